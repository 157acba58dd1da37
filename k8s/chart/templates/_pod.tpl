{{/*
Parts of pods. All take (dict "root" $ "part" "gateway" "settings" .Values.gateway "group" "" "model" .Values.model
"canary" nil "image" ""); canary is the second model that a gateway holds, image the one that is not called as the part.
*/}}

{{/* As the restricted pod standard asks. Service links off: they would set EXPERTMESH_ROUTER_PORT, which is a setting. */}}
{{- define "expertmesh.podSettings" -}}
serviceAccountName: {{ include "expertmesh.name" .root }}-{{ .part }}
automountServiceAccountToken: {{ and (eq .part "router") (gt (int .root.Values.router.replicas) 1) }}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with .settings.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .settings.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .settings.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .settings.affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- with .settings.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.topologySpread.topologyKey }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "expertmesh.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{- define "expertmesh.containerSettings" -}}
image: {{ include "expertmesh.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
# The last log lines say why it ended.
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources: {{ toJson .settings.resources }}
{{- end }}

{{- define "expertmesh.env" -}}
{{- if ne .root.Values.logs.format "text" }}
- {name: EXPERTMESH_LOG_FORMAT, value: {{ .root.Values.logs.format }}}
{{- end }}
{{- with .root.Values.telemetry }}
{{- if and .otlpEndpoint (ne $.part "router") }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .otlpEndpoint | quote }}}
- {name: OTEL_TRACES_SAMPLER, value: parentbased_traceidratio}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ .sampleRatio | quote }}}
{{- end }}
{{- end }}
{{- with .settings.jvmOptions }}
- {name: JDK_JAVA_OPTIONS, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* Options that say which model, the same for gateways and experts. */}}
{{- define "expertmesh.modelArgs" -}}
{{- $model := .model }}
{{- if eq $model.source "download" }}
- --model
- {{ include "expertmesh.downloadName" $model }}
{{- else if ne $model.source "image" }}
- --model
- {{ printf "/models/%s" $model.path | trimSuffix "/" }}
{{- end }}
{{- with .canary }}
- --canary
- {{ eq .source "download" | ternary (include "expertmesh.downloadName" .) (printf "/canary/%s" .path | trimSuffix "/") }}
{{- end }}
- --numerics
- {{ $model.numerics }}
{{- if ne $model.quantize "none" }}
- --quantize
- {{ $model.quantize }}
{{- end }}
{{- with .settings.threads }}
- --threads
- {{ . | quote }}
{{- end }}
{{- end }}

{{- define "expertmesh.tlsArgs" -}}
{{- if eq .root.Values.tls.mode "none" }}
- --plaintext
{{- else }}
- --tls-certificate=/tls/tls.crt
- --tls-key=/tls/tls.key
- --tls-ca=/tls/ca.crt
{{- end }}
{{- end }}

{{- define "expertmesh.downloadName" -}}
{{- if eq .source "download" }}
{{- required "model.source (or canary.source) is download, so download.name must say which model, ORG/NAME" .download.name }}
{{- end }}
{{- end }}

{{/* The folder of the pod's downloads; empty if it has none. */}}
{{- define "expertmesh.downloads" -}}
{{- if eq .model.source "download" }}/models
{{- else if .canary }}{{ if eq .canary.source "download" }}/canary{{ end }}
{{- end }}
{{- end }}

{{- define "expertmesh.modelEnv" -}}
{{- $download := .root.Values.model.download }}
{{- with include "expertmesh.downloads" . }}
- {name: HF_HOME, value: {{ . }}}
{{- with $download.endpoint }}
- {name: HF_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- if $download.tokenSecret.name }}
- name: HF_TOKEN
  valueFrom: {secretKeyRef: {name: {{ $download.tokenSecret.name }}, key: {{ $download.tokenSecret.key }}}}
{{- end }}
{{- end }}
{{- end }}

{{/* Whether the canary has a volume of its own: not if both are downloaded, into one folder. */}}
{{- define "expertmesh.canaryVolume" -}}
{{- if .canary }}{{ if not (and (eq .canary.source "download") (eq .model.source "download")) }}true{{ end }}{{ end }}
{{- end }}

{{/* Where the program may write: nowhere else. */}}
{{- define "expertmesh.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if ne .root.Values.tls.mode "none" }}
- {name: tls, mountPath: /tls, readOnly: true}
{{- end }}
{{- if eq .part "router" }}
- {name: traffic, mountPath: /traffic, readOnly: true}
{{- else if ne .model.source "image" }}
- {name: model, mountPath: /models{{ if ne .model.source "download" }}, readOnly: true{{ end }}}
{{- end }}
{{- if include "expertmesh.canaryVolume" . }}
- {name: canary, mountPath: /canary{{ if ne .canary.source "download" }}, readOnly: true{{ end }}}
{{- end }}
{{- if and .root.Values.apiKeys.secretName (ne .part "expert") }}
- {name: keys, mountPath: /keys, readOnly: true}
{{- end }}
{{- end }}

{{- define "expertmesh.volumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 256Mi}}
{{- if ne .root.Values.tls.mode "none" }}
- {name: tls, secret: {secretName: {{ include "expertmesh.tlsSecret" . }}, defaultMode: 288}}
{{- end }}
{{- if and .root.Values.apiKeys.secretName (ne .part "expert") }}
- name: keys
  secret:
    secretName: {{ .root.Values.apiKeys.secretName }}
    items: [{key: {{ .part }}.yaml, path: {{ .part }}.yaml}]
    defaultMode: 288
{{- end }}
{{- if eq .part "router" }}
- {name: traffic, configMap: {name: {{ include "expertmesh.name" .root }}-traffic}}
{{- else }}
{{- include "expertmesh.modelVolume" (dict "name" "model" "model" .model) }}
{{- end }}
{{- if include "expertmesh.canaryVolume" . }}
{{- include "expertmesh.modelVolume" (dict "name" "canary" "model" .canary) }}
{{- end }}
{{- end }}

{{/* (dict "name" "model" "model" .Values.model) */}}
{{- define "expertmesh.modelVolume" -}}
{{- $model := .model }}
{{- if eq $model.source "pvc" }}
- {name: {{ .name }}, persistentVolumeClaim: {claimName: {{ required (printf "%s.source is pvc, so %s.pvc.claimName must name the claim" .name .name) $model.pvc.claimName }}, readOnly: true}}
{{- else if eq $model.source "hostPath" }}
- {name: {{ .name }}, hostPath: {path: {{ required (printf "%s.source is hostPath, so %s.hostPath.path must name the folder" .name .name) $model.hostPath.path }}, type: Directory}}
{{- else if eq $model.source "ociImage" }}
- {name: {{ .name }}, image: {reference: {{ required (printf "%s.source is ociImage, so %s.ociImage.reference must name the image" .name .name) $model.ociImage.reference }}, pullPolicy: {{ $model.ociImage.pullPolicy }}}}
{{- else if eq $model.source "download" }}
{{- if $model.download.claimName }}
- {name: {{ .name }}, persistentVolumeClaim: {claimName: {{ $model.download.claimName }}}}
{{- else }}
- {name: {{ .name }}, emptyDir: {}}
{{- end }}
{{- end }}
{{- end }}

{{/* Downloads the models before the service starts. */}}
{{- define "expertmesh.download" -}}
{{- $pod := . }}
{{- with include "expertmesh.downloads" . }}
{{- $folder := . }}
initContainers:
  {{- range $name, $model := dict "download" $pod.model "download-canary" $pod.canary }}
  {{- if $model }}
  {{- if eq $model.source "download" }}
  - name: {{ $name }}
    {{- include "expertmesh.containerSettings" $pod | trim | nindent 4 }}
    args: [inspect, --json, --model, {{ include "expertmesh.downloadName" $model }}]
    env:
      {{- include "expertmesh.modelEnv" $pod | trim | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: {{ trimPrefix "/" $folder | replace "models" "model" }}, mountPath: {{ $folder }}}
  {{- end }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
What the kubelet asks: the standard gRPC health service. With TLS it cannot (it has no certificate), and asks over HTTP.
(dict "root" $ "service" "in-service" "grpcPort" 9200 "path" "/ready")
*/}}
{{- define "expertmesh.probe" -}}
{{- if eq .root.Values.tls.mode "none" }}
grpc: {port: {{ .grpcPort }}{{ with .service }}, service: {{ . }}{{ end }}}
{{- else }}
httpGet: {path: {{ .path }}, port: status}
{{- end }}
{{- end }}
