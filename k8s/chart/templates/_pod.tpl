{{/* Parts of pods. All take (dict "root" $ "part" "gateway" "settings" .Values.gateway "group" ""). */}}

{{/* As the restricted pod standard asks. Service links off: they would set EXPERTMESH_ROUTER_PORT, which is a setting. */}}
{{- define "expertmesh.podSettings" -}}
serviceAccountName: {{ include "expertmesh.name" .root }}-{{ .part }}
automountServiceAccountToken: {{ and (eq .part "router") (gt (int .root.Values.router.replicas) 1) }}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toJson . }}
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
{{- with .settings.jvmOptions }}
- {name: JDK_JAVA_OPTIONS, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* Options that say which model, the same for gateways and experts. */}}
{{- define "expertmesh.modelArgs" -}}
{{- $model := .root.Values.model }}
{{- if eq $model.source "download" }}
- --model
- {{ required "model.source is download, so model.download.name must say which model, ORG/NAME" $model.download.name }}
{{- else if ne $model.source "image" }}
- --model
- {{ printf "/models/%s" $model.path | trimSuffix "/" }}
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

{{- define "expertmesh.modelEnv" -}}
{{- $download := .root.Values.model.download }}
{{- if eq .root.Values.model.source "download" }}
- {name: HF_HOME, value: /models}
{{- with $download.endpoint }}
- {name: HF_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- if $download.tokenSecret.name }}
- name: HF_TOKEN
  valueFrom: {secretKeyRef: {name: {{ $download.tokenSecret.name }}, key: {{ $download.tokenSecret.key }}}}
{{- end }}
{{- end }}
{{- end }}

{{/* Where the program may write: nowhere else. */}}
{{- define "expertmesh.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if ne .root.Values.tls.mode "none" }}
- {name: tls, mountPath: /tls, readOnly: true}
{{- end }}
{{- if and (ne .part "router") (ne .root.Values.model.source "image") }}
- {name: model, mountPath: /models{{ if ne .root.Values.model.source "download" }}, readOnly: true{{ end }}}
{{- end }}
{{- if and .root.Values.apiKeys.secretName (ne .part "expert") }}
- {name: keys, mountPath: /keys, readOnly: true}
{{- end }}
{{- end }}

{{- define "expertmesh.volumes" -}}
{{- $model := .root.Values.model }}
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
{{- if ne .part "router" }}
{{- if eq $model.source "pvc" }}
- {name: model, persistentVolumeClaim: {claimName: {{ required "model.source is pvc, so model.pvc.claimName must name the claim" $model.pvc.claimName }}, readOnly: true}}
{{- else if eq $model.source "hostPath" }}
- {name: model, hostPath: {path: {{ required "model.source is hostPath, so model.hostPath.path must name the folder" $model.hostPath.path }}, type: Directory}}
{{- else if eq $model.source "ociImage" }}
- {name: model, image: {reference: {{ required "model.source is ociImage, so model.ociImage.reference must name the image" $model.ociImage.reference }}, pullPolicy: {{ $model.ociImage.pullPolicy }}}}
{{- else if eq $model.source "download" }}
{{- if $model.download.claimName }}
- {name: model, persistentVolumeClaim: {claimName: {{ $model.download.claimName }}}}
{{- else }}
- {name: model, emptyDir: {}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Downloads the model before the service starts. */}}
{{- define "expertmesh.download" -}}
{{- if eq .root.Values.model.source "download" }}
initContainers:
  - name: download
    {{- include "expertmesh.containerSettings" . | trim | nindent 4 }}
    args: [inspect, --json, --model, {{ required "model.source is download, so model.download.name must say which model, ORG/NAME" .root.Values.model.download.name }}]
    env:
      {{- include "expertmesh.modelEnv" . | trim | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: model, mountPath: /models}
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
