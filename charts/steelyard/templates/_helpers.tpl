{{/* The prefix of the objects' names: "steelyard" for a release of that name. */}}
{{- define "steelyard.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "steelyard.controller" -}}{{ include "steelyard.fullname" . }}-controller{{- end -}}
{{- define "steelyard.injector" -}}{{ include "steelyard.fullname" . }}-injector{{- end -}}

{{- define "steelyard.serviceAccount" -}}
{{- default (include "steelyard.controller" .) .Values.controller.serviceAccount.name -}}
{{- end -}}

{{/* The Secret with the certificate: the controller's own, cert-manager's, or the user's. */}}
{{- define "steelyard.tlsSecret" -}}
{{- if eq .Values.tls.mode "files" -}}{{ .Values.tls.existingSecret }}{{- else -}}{{ include "steelyard.fullname" . }}-tls{{- end -}}
{{- end -}}

{{/* The ConfigMap where the controller publishes its CA. The program knows it by this name. */}}
{{- define "steelyard.caConfigMap" -}}steelyard-ca{{- end -}}

{{- define "steelyard.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "steelyard.labels" -}}
{{ include "steelyard.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: steelyard
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Without the chart's version: a chart that changes nothing in the pods does not roll them. */}}
{{- define "steelyard.podLabels" -}}
{{ include "steelyard.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: steelyard
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* steelyard.image (list CHART-VERSION IMAGE): repository:tag, or repository:tag@digest */}}
{{- define "steelyard.image" -}}
{{- $version := index . 0 -}}
{{- $image := index . 1 -}}
{{- $image.repository }}:{{ default $version $image.tag }}{{ with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* The names that the certificate is valid for, as a JSON list. */}}
{{- define "steelyard.tlsNames" -}}
{{- $service := include "steelyard.controller" . -}}
{{- $full := printf "%s.%s" $service .Release.Namespace -}}
{{- concat (list $service $full (printf "%s.svc" $full) (printf "%s.svc.cluster.local" $full) "localhost") .Values.tls.extraNames | toJson -}}
{{- end -}}

{{/* A duration such as 1h, 15s or 500ms in milliseconds. The schema has seen to its form. */}}
{{- define "steelyard.milliseconds" -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- $number := trimSuffix $unit . | int64 -}}
{{- mul $number (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) $unit) -}}
{{- end -}}

{{/* An address and a port as a listener's flag takes them. */}}
{{- define "steelyard.listen" -}}
{{- $address := index . 0 -}}
{{- if contains ":" $address }}[{{ $address }}]{{ else }}{{ $address }}{{ end }}:{{ index . 1 }}
{{- end -}}

{{/* The controller's flags, as a list. */}}
{{- define "steelyard.flags" -}}
{{- $c := .Values.controller -}}
- --push-listen={{ include "steelyard.listen" (list $c.listenAddress 9443) }}
- --push-auth=token
- --push-audience={{ .Values.push.audience }}
- --cross-namespace={{ .Values.push.crossNamespace }}
{{- if eq .Values.tls.mode "managed" }}
- --push-tls=managed
- --tls-secret={{ include "steelyard.tlsSecret" . }}
- --tls-names={{ include "steelyard.tlsNames" . | fromJsonArray | join "," }}
- --tls-ca-lifetime={{ .Values.tls.caLifetime }}
- --tls-certificate-lifetime={{ .Values.tls.certificateLifetime }}
{{- else }}
- --push-tls=files
- --tls-dir=/etc/steelyard/tls
{{- end }}
- --leader-elect={{ $c.leaderElection.enabled }}
{{- if $c.leaderElection.enabled }}
- --lease-name={{ include "steelyard.controller" . }}
- --lease-duration={{ $c.leaderElection.leaseDuration }}
- --renew-deadline={{ $c.leaderElection.renewDeadline }}
- --retry-period={{ $c.leaderElection.retryPeriod }}
{{- end }}
{{- if .Values.injector.enabled }}
- --webhook-listen={{ include "steelyard.listen" (list $c.listenAddress 9444) }}
- --webhook-config={{ include "steelyard.injector" . }}
- --inject-config=/etc/steelyard/inject/inject.yaml
{{- end }}
{{- if .Values.edge.defaultClass }}
- --default-load-balancer-class=true
{{- end }}
{{- if .Values.edge.enabled }}
- --watch-nodes=true
{{- end }}
{{- if and .Values.edge.enabled .Values.edge.transparent }}
- --edge-transparent=true
{{- end }}
- --admin-listen={{ include "steelyard.listen" (list $c.listenAddress 9080) }}
- --log-level={{ $c.logLevel }}
- --log-format={{ $c.logFormat }}
{{- end -}}
