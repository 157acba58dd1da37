{{/* A second version of the model beside the first. */}}

{{/* The canary's model as JSON, with the same settings as .Values.model: what the canary does not say is the model's. */}}
{{- define "expertmesh.canaryModel" -}}
{{- $model := deepCopy .Values.model }}
{{- $canary := .Values.canary }}
{{- with $canary.source }}{{ $_ := set $model "source" . }}{{ end }}
{{- if eq $model.source "image" }}
{{- fail "canary.enabled with the demo model of the images: canary.source must say where the other version comes from" }}
{{- end }}
{{- $_ := set $model "path" $canary.path }}
{{- with $canary.pvc.claimName }}{{ $_ := set $model.pvc "claimName" . }}{{ end }}
{{- with $canary.hostPath.path }}{{ $_ := set $model.hostPath "path" . }}{{ end }}
{{- with $canary.ociImage.reference }}{{ $_ := set $model.ociImage "reference" . }}{{ end }}
{{- with $canary.download.name }}{{ $_ := set $model.download "name" . }}{{ end }}
{{- toJson $model }}
{{- end }}

{{/* Which checkpoint a model is. */}}
{{- define "expertmesh.checkpoint" -}}
{{- if eq .source "pvc" }}pvc {{ .pvc.claimName }} {{ trimSuffix "/" .path }}
{{- else if eq .source "hostPath" }}hostPath {{ printf "%s/%s" (trimSuffix "/" .hostPath.path) .path | trimSuffix "/" }}
{{- else if eq .source "ociImage" }}ociImage {{ .ociImage.reference }} {{ trimSuffix "/" .path }}
{{- else if eq .source "download" }}download {{ .download.name }}
{{- else }}image{{ end }}
{{- end }}

{{/*
none; beside: gateways hold both versions; or promoted: the model is the canary's checkpoint now, and the canary's
experts stay until the model's own have been replaced.
*/}}
{{- define "expertmesh.canaryState" -}}
{{- if not .Values.canary.enabled }}none
{{- else if eq (include "expertmesh.checkpoint" (include "expertmesh.canaryModel" . | fromJson)) (include "expertmesh.checkpoint" .Values.model) }}promoted
{{- else }}beside{{ end }}
{{- end }}

{{/* What the router reads: the JSON of PUT /v1/admin/traffic. */}}
{{- define "expertmesh.traffic" -}}
{{- $shares := list }}
{{- $canary := .Values.canary }}
{{- if and $canary.enabled (or (gt (float64 $canary.percent) 0.0) $canary.keys) }}
{{- $shares = append $shares (dict "version" "canary" "percent" $canary.percent "keys" $canary.keys) }}
{{- end }}
{{- dict "traffic" $shares | toJson }}
{{- end }}

{{/*
Every Deployment of experts as a JSON list of {name, label, group, canary}: one for each group, and one more for each
group of the canary.
*/}}
{{- define "expertmesh.expertPools" -}}
{{- $name := include "expertmesh.name" . }}
{{- $pools := list }}
{{- $names := list }}
{{- range $group := include "expertmesh.groups" . | fromJsonArray }}
{{- $names = append $names $group.name }}
{{- $pools = append $pools (dict "name" (printf "%s-expert-%s" $name $group.name) "label" $group.name "group" $group "canary" false) }}
{{- end }}
{{- if .Values.canary.enabled }}
{{- range $wanted := .Values.canary.groups }}
{{- if not (has (toString $wanted) $names) }}
{{- fail (printf "canary.groups: there is no group %v; the groups are %s" $wanted (join ", " $names)) }}
{{- end }}
{{- end }}
{{- $chosen := list }}
{{- range .Values.canary.groups }}{{ $chosen = append $chosen (toString .) }}{{ end }}
{{- range $group := include "expertmesh.groups" . | fromJsonArray }}
{{- if or (not $chosen) (has $group.name $chosen) }}
{{- $pools = append $pools (dict "name" (printf "%s-canary-%s" $name $group.name) "label" (printf "%s.canary" $group.name) "group" $group "canary" true) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $pools }}
{{- end }}
