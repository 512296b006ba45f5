{{- define "countinghouse.deployment" -}}
{{- $v := .v -}}
{{- $map := include "countinghouse.settingsMap" . -}}
{{- $parts := list "database" "kafka" "tls" "jwks" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels:
    {{- include "countinghouse.labels" . | nindent 4 }}
spec:
  replicas: {{ $v.replicas }}
  revisionHistoryLimit: 5
  # A version that does not become ready within this has failed; the one before serves on.
  progressDeadlineSeconds: {{ $v.rollout.progressDeadlineSeconds | int }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "countinghouse.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "countinghouse.labels" . | nindent 8 }}
        {{- with $v.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .service }}
        checksum/config: {{ include "countinghouse.settings" . | sha256sum }}
        {{- with $v.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "countinghouse.serviceAccountName" . }}
      {{- include "countinghouse.podBasics" . | nindent 6 }}
      # What the service takes to end what it has in hand, with time for the endpoints to be taken down before and to spare.
      terminationGracePeriodSeconds: {{ include "countinghouse.graceSeconds" . }}
      {{- include "countinghouse.placing" . | trim | nindent 6 }}
      containers:
        - name: {{ .service }}
          {{- include "countinghouse.containerBasics" . | nindent 10 }}
          command: {{ include "countinghouse.program" . }}
          args: [serve]
          env:
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
            # Where the other replicas pass calls on to while this one writes.
            - name: {{ include "countinghouse.variable" (list . "RPC__ADVERTISE") }}
              value: {{ printf "%s:%s" (ternary "[$(POD_IP)]" "$(POD_IP)" $v.service.ipv6) (include "countinghouse.port" .) | quote }}
            {{- include "countinghouse.databaseVariables" . | nindent 12 }}
            {{- with include "countinghouse.kafkaVariables" . | trim }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- if $v.pages.secret }}
            {{- include "countinghouse.secretVariable" (list . "PAGES__KEY" $v.pages.secret $v.pages.key) | nindent 12 }}
            {{- end }}
            {{- if $v.telemetry.otlpEndpoint }}
            # Which installation it is, among those that tell the same collector.
            - name: OTEL_RESOURCE_ATTRIBUTES
              value: service.namespace={{ .root.Release.Namespace }},k8s.namespace.name={{ .root.Release.Namespace }},k8s.deployment.name={{ .name }}
            {{- end }}
            {{- with $v.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: grpc
              containerPort: {{ include "countinghouse.port" . }}
          {{- include "countinghouse.probes" . | trim | nindent 10 }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ $v.rollout.preStopSeconds | int }}
          resources:
            {{- toYaml $v.resources | nindent 12 }}
          volumeMounts:
            {{- include "countinghouse.mounts" (list . $map $parts) | trim | nindent 12 }}
      volumes:
        {{- include "countinghouse.volumes" (list . $map $parts) | trim | nindent 8 }}
{{- end -}}

{{- define "countinghouse.graceSeconds" -}}
{{- $drain := dig "lifecycle" "drain_max_ms" 30000 (.v.settings | default dict) | int -}}
{{- add .v.rollout.preStopSeconds (div (add $drain 999) 1000) 10 -}}
{{- end -}}

{{/* The kubelet's own gRPC probes know no TLS, so the service's program asks itself. */}}
{{- define "countinghouse.probes" -}}
{{- $program := include "countinghouse.program" . | fromJsonArray -}}
{{- range $kind, $word := dict "startup" "started" "readiness" "ready" "liveness" "alive" }}
{{ $kind }}Probe:
  exec:
    command: {{ concat $program (list "probe" $word) | toJson }}
  {{- toYaml (get $.v.probes $kind) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Apart from each other, as far as the nodes and zones allow. */}}
{{- define "countinghouse.placing" -}}
{{- if .v.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml .v.topologySpreadConstraints | nindent 2 }}
{{- else }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "countinghouse.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- with .v.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
