{{/* How KEDA asks the router. */}}

{{/* Whether it does. */}}
{{- define "expertmesh.answersKeda" -}}
{{- if or .Values.autoscaling.enabled .Values.gateway.autoscaling.enabled }}true{{ end }}
{{- end }}

{{/* Whether over TLS. */}}
{{- define "expertmesh.scalerTls" -}}
{{- if and .Values.autoscaling.tls (ne .Values.tls.mode "none") }}true{{ end }}
{{- end }}

{{/* The name by which KEDA calls the router, and that it expects in the certificate. */}}
{{- define "expertmesh.scalerHost" -}}
{{ include "expertmesh.name" . }}-router.{{ .Release.Namespace }}
{{- end }}

{{/* Metadata of every trigger. */}}
{{- define "expertmesh.scaler" -}}
scalerAddress: {{ .Values.autoscaling.scalerAddress | default (printf "%s:9092" (include "expertmesh.scalerHost" . | trim)) | quote }}
{{- if include "expertmesh.scalerTls" . }}
enableTLS: "true"
{{- end }}
{{- end }}

{{- define "expertmesh.scalerTrust" -}}
{{- if include "expertmesh.scalerTls" . }}
authenticationRef: {name: {{ include "expertmesh.name" . }}-scaler-trust}
{{- end }}
{{- end }}

{{/*
The replicas that a Deployment has, where an autoscaler sets them: a manifest without any would set one that had some
back to one. Nothing if there is no such Deployment yet, and where templates are rendered without a cluster.
*/}}
{{- define "expertmesh.keptReplicas" -}}
{{- $live := lookup "apps/v1" "Deployment" .root.Release.Namespace .name }}
{{- if $live }}
replicas: {{ $live.spec.replicas }}
{{- end }}
{{- end }}
