{{- define "steelyard.edge" -}}{{ include "steelyard.fullname" . }}-edge{{- end -}}

{{- define "steelyard.edgeSelectorLabels" -}}
{{- include "steelyard.selectorLabels" . | replace "component: controller" "component: edge" -}}
{{- end -}}

{{/* The edge proxy's flags, as a list. */}}
{{- define "steelyard.edgeFlags" -}}
{{- $e := .Values.edge -}}
- --role=edge
- --controller=wss://{{ include "steelyard.controller" . }}.{{ .Release.Namespace }}.svc:9443
- --controller-ca=/var/run/steelyard/ca/ca.crt
- --token-file=/var/run/steelyard/token/token
- --name=$(STEELYARD_POD_NAMESPACE)/$(STEELYARD_POD_NAME)
- --state-dir=/var/lib/steelyard
- --vip-config=/run/steelyard/vip.json
- --vip-state=/run/steelyard/vip-state.json
- --admin-listen=127.0.0.1:{{ $e.adminPort }}
- --metrics-listen=$(STEELYARD_POD_IP):{{ $e.metricsPort }}
- --connect-timeout={{ $e.connectTimeout }}
- --drain-delay={{ $e.drainDelay }}
- --drain-timeout={{ $e.drainTimeout }}
- --log-level={{ $e.logLevel }}
- --log-format={{ $e.logFormat }}
{{- if $e.accessLog.enabled }}
- --access-log=stdout
- --access-log-sample={{ $e.accessLog.sample }}
{{- end }}
{{- end -}}
