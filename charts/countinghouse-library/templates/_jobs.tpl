{{/* Made before an install and an upgrade, in the order of the weights, and gone afterwards; what failed stays, and tells why. */}}
{{- define "countinghouse.hookBefore" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-failed
{{- end -}}

{{/*
What must be there before a version serves: (list CONTEXT JOB WORDS PARTS VARIABLES WEIGHT). The old version goes on serving meanwhile, and
serves with what the new one needs. Helm waits for it, and stops when it fails: then nothing else has changed.
*/}}
{{- define "countinghouse.job" -}}
{{- $context := index . 0 -}}
{{- $job := index . 1 -}}
{{- $parts := index . 3 -}}
{{- $map := printf "%s-before" $context.name -}}
{{- $v := $context.v -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $context.name }}-{{ $job }}
  labels:
    {{- include "countinghouse.labels" $context | nindent 4 }}
    app.kubernetes.io/component: {{ $job }}
  annotations:
    {{- include "countinghouse.hookBefore" (index . 5) | nindent 4 }}
spec:
  backoffLimit: {{ $v.migrate.backoffLimit | int }}
  activeDeadlineSeconds: {{ $v.migrate.deadlineSeconds | int }}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ $context.service }}-{{ $job }}
        app.kubernetes.io/instance: {{ $context.root.Release.Name }}
        app.kubernetes.io/part-of: countinghouse
    spec:
      restartPolicy: Never
      {{- include "countinghouse.podBasics" $context | nindent 6 }}
      containers:
        - name: {{ $job }}
          {{- include "countinghouse.containerBasics" $context | nindent 10 }}
          command: {{ include "countinghouse.program" $context }}
          args: {{ index . 2 | toJson }}
          {{- with index . 4 | trim }}
          env:
            {{- . | nindent 12 }}
          {{- end }}
          resources:
            {{- toYaml $v.migrate.resources | nindent 12 }}
          volumeMounts:
            {{- include "countinghouse.mounts" (list $context $map $parts) | trim | nindent 12 }}
      volumes:
        {{- include "countinghouse.volumes" (list $context $map $parts) | trim | nindent 8 }}
{{- end -}}

{{- define "countinghouse.jobs" -}}
{{- $v := .v -}}
{{- if or $v.migrate.enabled $v.topics.enabled }}
---
{{ include "countinghouse.configMap" (list . (printf "%s-before" .name) (include "countinghouse.hookBefore" "-10" | fromYaml)) }}
{{- if $v.networkPolicy.enabled }}
---
{{ include "countinghouse.jobsNetworkPolicy" . }}
{{- end }}
{{- end }}
{{- if $v.migrate.enabled }}
---
{{ include "countinghouse.job" (list . "migrate" (list "migrate" "--only" "tables") (list "database") (include "countinghouse.ownerVariables" .) "0") }}
{{- end }}
{{- if $v.topics.enabled }}
---
{{ include "countinghouse.job" (list . "topics" (list "migrate" "--only" "topics") (list "kafka") (include "countinghouse.kafkaVariables" .) "1") }}
{{- end }}
{{- end -}}
