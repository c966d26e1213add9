{{/* The pod: the same in a StatefulSet and in a Deployment, and nearly the same in the test. */}}

{{/* The flags, with at most so many requests at once. Takes a list of the root and that number. */}}
{{- define "nectar-exporter.args" -}}
{{- with index . 0 -}}
- --nectar.api-key-file=/etc/nectar-exporter/secrets/api-key
- --nectar.max-concurrent-requests={{ index $ 1 }}
{{- if gt (int .Values.shards) 1 }}
- --total-shards={{ .Values.shards }}
{{- end }}
- --storage.path=/var/lib/nectar-exporter
- {{ printf "--web.route-prefix=%s" .Values.routePrefix | quote }}
{{- if or .Values.tls.existingSecret .Values.webConfig.existingSecret }}
- --web.config.file=/etc/nectar-exporter/web/web.yml
{{- end }}
{{- if .Values.webhook.enabled }}
- --webhook.listen-address=:10944
- --webhook.secret-file=/etc/nectar-exporter/secrets/webhook-secret
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the exporter's container and the test's have in common. */}}
{{- define "nectar-exporter.container" -}}
image: {{ include "nectar-exporter.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - {name: secrets, mountPath: /etc/nectar-exporter/secrets, readOnly: true}
  - {name: state, mountPath: /var/lib/nectar-exporter}
  {{- if or .Values.tls.existingSecret .Values.webConfig.existingSecret }}
  - {name: web, mountPath: /etc/nectar-exporter/web, readOnly: true}
  {{- end }}
  {{- if .Values.tls.existingSecret }}
  - {name: tls, mountPath: /etc/nectar-exporter/tls, readOnly: true}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Takes a list of the root and the path. */}}
{{- define "nectar-exporter.probe" -}}
httpGet:
  path: {{ include "nectar-exporter.path" . | quote }}
  port: metrics
  scheme: {{ include "nectar-exporter.scheme" (index . 0) | upper }}
# A second, which is the default, may be too short on a node that has other things to do.
timeoutSeconds: 5
{{- end }}

{{/* The volumes but for the state. Whole folders are mounted: only then a new key or certificate arrives without a restart. */}}
{{- define "nectar-exporter.volumes" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "nectar-exporter.apiKeySecret" . | quote }}
          items: [{key: {{ .Values.apiKey.secretKey | quote }}, path: api-key}]
      {{- if .Values.webhook.enabled }}
      - secret:
          name: {{ include "nectar-exporter.webhookSecret" . | quote }}
          items: [{key: {{ .Values.webhook.secretKey | quote }}, path: webhook-secret}]
      {{- end }}
{{- if .Values.webConfig.existingSecret }}
- name: web
  secret:
    secretName: {{ .Values.webConfig.existingSecret | quote }}
    defaultMode: 0440
    items: [{key: {{ .Values.webConfig.secretKey | quote }}, path: web.yml}]
{{- else if .Values.tls.existingSecret }}
- name: web
  configMap: {name: "{{ include "nectar-exporter.fullname" . }}-web"}
{{- end }}
{{- with .Values.tls.existingSecret }}
- name: tls
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What the exporter's pod and the test's have in common. Without enableServiceLinks: false, Kubernetes sets variables such as
     NECTAR_EXPORTER_PORT, which look like those of flags. */}}
{{- define "nectar-exporter.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "nectar-exporter.pod" -}}
metadata:
  labels:
    {{- merge (include "nectar-exporter.selectorLabels" . | fromYaml) .Values.podLabels .Values.commonLabels | toYaml | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "nectar-exporter.podSpec" . | nindent 2 }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    {{- $own := dict "labelSelector" (dict "matchLabels" (include "nectar-exporter.selectorLabels" $ | fromYaml)) }}
    - {{ toYaml (ternary . (merge $own .) (hasKey . "labelSelector")) | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  containers:
    - name: nectar-exporter
      {{- include "nectar-exporter.container" . | nindent 6 }}
      # Replicas know nothing of each other, so each gets its part of the requests here. Shards divide them by themselves.
      args:
        {{- include "nectar-exporter.args" (list . (div (int .Values.maxConcurrentRequests) (int .Values.replicas))) | nindent 8 }}
      ports:
        - {name: metrics, containerPort: 10942}
        {{- if .Values.webhook.enabled }}
        - {name: webhook, containerPort: 10944}
        {{- end }}
      livenessProbe:
        {{- include "nectar-exporter.probe" (list . "/-/healthy") | nindent 8 }}
      readinessProbe:
        {{- include "nectar-exporter.probe" (list . "/-/ready") | nindent 8 }}
  volumes:
    {{- include "nectar-exporter.volumes" . | nindent 4 }}
    {{- if not .Values.persistence.enabled }}
    - {name: state, emptyDir: {}}
    {{- end }}
{{- end }}
