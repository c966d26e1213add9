{{/* Puts thresholds into the texts of alerts and boards, as mixin/thresholds.libsonnet does, from the same table. */}}

{{/* A text of the table with a number in it. Takes a list of both. */}}
{{- define "nectar-exporter.written" -}}
{{- $number := index . 1 | toString }}
{{- $decimal := ternary $number (printf "%s.0" $number) (contains "." $number) }}
{{- index . 0 | replace "{number}" $number | replace "{share}" (divf $number 100 | toString) | replace "{decimal}" $decimal }}
{{- end }}

{{/* A text with the thresholds that are set. Takes a dictionary: the root, the text, and where it stands: in, field. */}}
{{- define "nectar-exporter.withThresholds" -}}
{{- $table := .root.Files.Get "files/thresholds.json" | fromJson }}
{{- $text := .text }}
{{- range $row := $table.texts }}
{{- if and (eq $row.in $.in) (eq $row.field $.field) }}
{{- $old := include "nectar-exporter.written" (list $row.text (index $table.shipped $row.threshold)) }}
{{- $new := include "nectar-exporter.written" (list $row.text (index $.root.Values.prometheusRule.thresholds $row.threshold)) }}
{{- $found := sub (splitList $old $text | len) 1 }}
{{- if ne $found (int64 $row.times) }}
{{- fail (printf "%s: %q is there %d times and not %v: the chart's files do not fit together" $row.in $old $found $row.times) }}
{{- end }}
{{- $text = replace $old $new $text }}
{{- end }}
{{- end }}
{{- $text }}
{{- end }}
