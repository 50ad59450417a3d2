{{- define "testrun-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "testrun-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "testrun-operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "testrun-operator.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-wide objects carry the namespace too: releases of one name in two namespaces stay apart. */}}
{{- define "testrun-operator.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "testrun-operator.fullname" .) -}}
{{- end -}}

{{- define "testrun-operator.selector" -}}
app.kubernetes.io/name: {{ include "testrun-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "testrun-operator.labels" -}}
{{ include "testrun-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "testrun-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "testrun-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "set serviceAccount.name to an existing account, or serviceAccount.create to true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The name by which the API server knows the operator's account. */}}
{{- define "testrun-operator.user" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "testrun-operator.serviceAccount" .) -}}
{{- end -}}

{{/* What the operator may do, in a namespace or everywhere. */}}
{{- define "testrun-operator.rules" -}}
- apiGroups: [testrun.dev]
  resources: [testrunreports]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [testrun.dev]
  resources: [testrunreportsets, testrunwaivers]
  verbs: [get, list, watch]
- apiGroups: [testrun.dev]
  resources: [testrunreports/status, testrunreportsets/status]
  verbs: [update, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- if .Values.promoter.enabled }}
- apiGroups: [promoter.argoproj.io]
  resources: [commitstatuses]
  verbs: [get, list, create, update, delete]
{{- end }}
{{- if .Values.attestation.enabled }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, update, delete]
{{- end }}
{{- if .Values.credentials.enabled }}
- apiGroups: [""]
  resources: [secrets]
  {{- with .Values.credentials.secretNames }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: [get]
{{- if .Values.credentials.watchSecrets }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- end }}
{{- end }}
{{- end -}}

{{/* Requests that the gate lets through: of the cluster's own controllers, whose owners were asked
     already, and updates that start nothing new. */}}
{{- define "testrun-operator.gateConditions" -}}
- name: not-a-controller-of-the-cluster
  expression: "!(request.userInfo.username in {{ toJson .Values.gate.exemptUsers | replace "\"" "'" }})"
- name: starts-something-new
  expression: >-
    request.operation != 'UPDATE' ||
    object.metadata.?annotations[?{{ .Values.gate.annotations.commit | squote }}] != oldObject.metadata.?annotations[?{{ .Values.gate.annotations.commit | squote }}] ||
    object.metadata.?annotations[?{{ .Values.gate.annotations.repository | squote }}] != oldObject.metadata.?annotations[?{{ .Values.gate.annotations.repository | squote }}] ||
    !(has(object.spec.template) ? object.spec.template == oldObject.spec.template :
    has(object.spec.jobTemplate) ? object.spec.jobTemplate == oldObject.spec.jobTemplate :
    object.spec == oldObject.spec)
{{- end -}}
