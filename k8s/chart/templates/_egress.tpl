{{/*
What pods may call outside the mesh: rules of NetworkPolicies. Ports are numbers, since a name says nothing about what is
no pod.
*/}}

{{- define "expertmesh.egressDns" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
  {{- with .Values.networkPolicy.egress.dns }}
  to: {{ toJson . }}
  {{- end }}
{{- end }}

{{/* The collector of traces and the hub, where gateways and experts use them. */}}
{{- define "expertmesh.egressOutside" -}}
{{- $egress := .Values.networkPolicy.egress }}
{{- with .Values.telemetry.otlpEndpoint }}
- ports: [{port: {{ include "expertmesh.urlPort" . }}}]
  {{- with $egress.collector }}
  to: {{ toJson . }}
  {{- end }}
{{- end }}
{{- $canary := and .Values.canary.enabled (eq .Values.canary.source "download") }}
{{- if or (eq .Values.model.source "download") $canary }}
- ports: [{port: {{ include "expertmesh.urlPort" (.Values.model.download.endpoint | default "https://huggingface.co") }}}]
  {{- with $egress.hub }}
  to: {{ toJson . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The port of a URL, by its scheme if it has none. */}}
{{- define "expertmesh.urlPort" -}}
{{- $url := urlParse . }}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "https" | ternary "443" "80") }}
{{- end }}
