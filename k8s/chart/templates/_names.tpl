{{/* What all names begin with. */}}
{{- define "expertmesh.name" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride }}
{{- else if contains "expertmesh" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-expertmesh" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Labels that select the pods of a part: (dict "root" $ "part" "gateway" "group" "") */}}
{{- define "expertmesh.selector" -}}
app.kubernetes.io/name: expertmesh
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- with .group }}
expertmesh.io/group: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "expertmesh.labels" -}}
{{ include "expertmesh.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end }}

{{/* What the others call to reach the router that leads; with several, the name stands for each of them. */}}
{{- define "expertmesh.router" -}}
{{ include "expertmesh.name" . }}-router{{ if gt (int .Values.router.replicas) 1 }}s{{ end }}:9091
{{- end }}

{{- define "expertmesh.image" -}}
{{ .root.Values.image.repository }}/{{ .image | default .part }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "expertmesh.tlsSecret" -}}
{{- if eq .root.Values.tls.mode "secrets" -}}
{{ required (printf "tls.mode is secrets, so tls.secrets.%s must name the Secret with the certificate of the %s" .part .part) (get .root.Values.tls.secrets .part) }}
{{- else -}}
{{ include "expertmesh.name" .root }}-{{ .part }}-tls
{{- end }}
{{- end }}
