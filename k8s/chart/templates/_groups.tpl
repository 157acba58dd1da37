{{/*
The expert ids of a text such as "0-3,7", as a JSON list; fails if it is not such a text or an id is not the model's.
(dict "ids" "0-3,7" "group" "hot" "total" 16)
*/}}
{{- define "expertmesh.ids" -}}
{{- $ids := list }}
{{- range $part := splitList "," .ids }}
  {{- $part = nospace $part }}
  {{- if not (regexMatch "^[0-9]+(-[0-9]+)?$" $part) }}
    {{- fail (printf "experts.groups: group %s has ids %q; they must be ids and ranges such as 0-7 or 16,40-43" $.group $.ids) }}
  {{- end }}
  {{- $ends := splitList "-" $part }}
  {{- $first := first $ends | int }}
  {{- $last := last $ends | int }}
  {{- if gt $first $last }}
    {{- fail (printf "experts.groups: group %s has the range %s, which ends before it begins" $.group $part) }}
  {{- end }}
  {{- if ge $last (int $.total) }}
    {{- fail (printf "experts.groups: group %s has expert %d, but the model has %d experts (model.experts), 0 to %d" $.group $last (int $.total) (sub (int $.total) 1)) }}
  {{- end }}
  {{- range $id := untilStep $first (add1 $last | int) 1 }}{{ $ids = append $ids $id }}{{ end }}
{{- end }}
{{- toJson $ids }}
{{- end }}

{{/*
All groups as a JSON list of {name, ids, and what a group sets for itself}, checked: every expert of the model is in
exactly one group.
*/}}
{{- define "expertmesh.groups" -}}
{{- $total := int .Values.model.experts }}
{{- $groups := list }}
{{- if kindIs "slice" .Values.experts.groups }}
  {{- $owner := dict }}
  {{- $names := dict }}
  {{- range $group := .Values.experts.groups }}
    {{- if hasKey $names $group.name }}
      {{- fail (printf "experts.groups: two groups are called %s" $group.name) }}
    {{- end }}
    {{- $_ := set $names $group.name true }}
    {{- range $id := include "expertmesh.ids" (dict "ids" $group.ids "group" $group.name "total" $total) | fromJsonArray }}
      {{- $key := toString $id }}
      {{- if hasKey $owner $key }}
        {{- fail (printf "experts.groups: expert %s is in group %s and in group %s; it must be in one" $key (get $owner $key) $group.name) }}
      {{- end }}
      {{- $_ := set $owner $key $group.name }}
    {{- end }}
    {{- $groups = append $groups $group }}
  {{- end }}
  {{- $missing := list }}
  {{- range $id := until $total }}
    {{- if not (hasKey $owner (toString $id)) }}{{ $missing = append $missing (toString $id) }}{{ end }}
  {{- end }}
  {{- if $missing }}
    {{- fail (printf "experts.groups: no group has the experts %s; the model has %d (model.experts)" (join "," $missing) $total) }}
  {{- end }}
{{- else }}
  {{- $count := int .Values.experts.groups }}
  {{- if gt $count $total }}
    {{- fail (printf "experts.groups is %d, but the model has only %d experts (model.experts)" $count $total) }}
  {{- end }}
  {{- range $i := until $count }}
    {{- $first := div (mul $i $total) $count }}
    {{- $last := sub (div (mul (add1 $i) $total) $count) 1 }}
    {{- $ids := eq $first $last | ternary (toString $first) (printf "%d-%d" $first $last) }}
    {{- $groups = append $groups (dict "name" (toString $i) "ids" $ids) }}
  {{- end }}
{{- end }}
{{- toJson $groups }}
{{- end }}
