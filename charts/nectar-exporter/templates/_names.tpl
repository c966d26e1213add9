{{/* Names, labels and the parts that several objects share. */}}

{{- define "nectar-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects. A pod's name has an ordinal behind it, and the name of a webhook's service "-webhook-0". */}}
{{- define "nectar-exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- $name = .Values.fullnameOverride }}
{{- else if not (contains $name .Release.Name) }}
{{- $name = printf "%s-%s" .Release.Name $name }}
{{- else }}
{{- $name = .Release.Name }}
{{- end }}
{{- $name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "nectar-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "nectar-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: exporter
{{- end }}

{{- define "nectar-exporter.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/name" (include "nectar-exporter.name" .)
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service }}
{{- toYaml (merge $own .Values.commonLabels) }}
{{- end }}

{{- define "nectar-exporter.image" -}}
{{- with .Values.image }}
{{- if .registry }}{{ .registry }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* The names of the secrets: yours, or those that the chart makes. */}}
{{- define "nectar-exporter.apiKeySecret" -}}
{{- default (printf "%s-api-key" (include "nectar-exporter.fullname" .)) .Values.apiKey.existingSecret }}
{{- end }}
{{- define "nectar-exporter.webhookSecret" -}}
{{- default (printf "%s-webhook" (include "nectar-exporter.fullname" .)) .Values.webhook.existingSecret }}
{{- end }}

{{/* Whether each pod has a number in its name: one that shares the companies needs it, and one that keeps its volume. */}}
{{- define "nectar-exporter.isStatefulSet" -}}
{{- if or .Values.persistence.enabled (gt (int .Values.shards) 1) }}true{{ end }}
{{- end }}

{{- define "nectar-exporter.pods" -}}
{{- max (int .Values.replicas) (int .Values.shards) }}
{{- end }}

{{/* The path of $2, which begins with a slash, behind the prefix. Takes a list of the root and the path. */}}
{{- define "nectar-exporter.path" -}}
{{- printf "%s%s" ((index . 0).Values.routePrefix | trimSuffix "/") (index . 1) }}
{{- end }}

{{/* What a web configuration of your own has is in a secret, which templates cannot read: you say so, or it is what it seems to be. */}}
{{- define "nectar-exporter.scheme" -}}
{{- $hasTls := .Values.tls.existingSecret }}
{{- if and .Values.webConfig.existingSecret (kindIs "bool" .Values.webConfig.tls) }}
{{- $hasTls = .Values.webConfig.tls }}
{{- end }}
{{- if $hasTls }}https{{ else }}http{{ end }}
{{- end }}

{{/* What does not fit together, said in words; the schema says what is wrong by itself. */}}
{{- define "nectar-exporter.check" -}}
{{- if not (or .Values.apiKey.existingSecret .Values.apiKey.value) }}
{{- fail "the exporter needs an API key: set apiKey.existingSecret to the name of a secret that has it, or apiKey.value" }}
{{- end }}
{{- if and .Values.apiKey.existingSecret .Values.apiKey.value }}
{{- fail "apiKey.existingSecret and apiKey.value are both set: set one of them" }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (gt (int .Values.shards) 1) }}
{{- fail "replicas and shards are both above 1: for shards that each run twice, install a second release with the same shards, and half of maxConcurrentRequests in both" }}
{{- end }}
{{- if gt (include "nectar-exporter.pods" . | int) (int .Values.maxConcurrentRequests) }}
{{- fail "each exporter needs a request of its own: replicas and shards can be at most maxConcurrentRequests" }}
{{- end }}
{{- with .Values.webhook }}
{{- if and .enabled (not (or .existingSecret .value)) }}
{{- fail "webhooks need the signing secret of their endpoint: set webhook.existingSecret to the name of a secret that has it, or webhook.value" }}
{{- end }}
{{- if and .enabled .existingSecret .value }}
{{- fail "webhook.existingSecret and webhook.value are both set: set one of them" }}
{{- end }}
{{- if and .enabled (gt (int $.Values.replicas) 1) (not $.Values.persistence.enabled) }}
{{- fail "each pod that receives events needs an address of its own, which those of a Deployment have not: set persistence.enabled=true, or replicas=1" }}
{{- end }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
{{- fail "serviceMonitor.enabled and podMonitor.enabled would scrape each pod twice: set one of them" }}
{{- end }}
{{- range $name := list "serviceMonitor" "podMonitor" }}
{{- with index $.Values $name }}
{{- $isElsewhere := ne $.Release.Namespace (default $.Release.Namespace .namespace) }}
{{- $needsCa := and $.Values.tls.existingSecret (eq (include "nectar-exporter.scheme" $) "https") (not .tlsConfig) }}
{{- if and .enabled $needsCa $isElsewhere }}
{{- fail (printf "the operator looks for the secret of tls.existingSecret in %s.namespace, and it is in the release's: set %s.tlsConfig, with a ca that is in %s.namespace, or leave that empty" $name $name $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
