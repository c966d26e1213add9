# Config of pint, which lints the rules in alerts/ for `make lint-ops`. What is on without a word here is pint's default.
parser {
  # Label names that every Prometheus 2 takes too.
  names = "legacy"
}

# The lag of one evaluation is harmless: these rules only ask whether a time lies days before this one.
check "rule/dependency" {
  ignoreGroupMismatch = ["company_id:nectar_company_last_success_timestamp_seconds:max"]
}

# What the routes of Alertmanager and the messages read.
rule {
  match {
    kind = "alerting"
  }
  name "Nectar[A-Z].+" {}
  label "severity" {
    required = true
    values   = ["critical", "warning", "info", "none"]
  }
  label "nectar_scope" {
    required = true
    values   = ["exporter", "fleet"]
  }
  annotation "summary" {
    required = true
    value    = "[^{}]+[.]"
  }
  annotation "description" {
    required = true
  }
  annotation "runbook_url" {
    required = true
    value    = ".+#{{ $alert | printf `(?i:%s)` }}"
  }
}

# An alert on the fleet must not change, nor fire twice, with the replica that saw it.
rule {
  match {
    kind = "alerting"
    label "nectar_scope" {
      value = "fleet"
    }
  }
  aggregate ".+" {
    strip = ["job", "instance", "pod"]
  }
}

# It outlasts the `for` of NectarExporterDown, so that a dead exporter does not look like a customer who acted. The alerts on
# customers hold by themselves.
rule {
  match {
    kind = "alerting"
    label "nectar_scope" {
      value = "fleet"
    }
  }
  ignore {
    name = "NectarIntervention(Needed|Overdue|Ended)"
  }
  keep_firing_for {
    min = "30m"
  }
}

# Recording rules are named level:metric:operation, and keep the labels of their level.
rule {
  match {
    kind = "recording"
  }
  name "[a-z_]+:nectar_[a-z0-9_]+:[a-z]+" {}
  reject ".+" {
    label_keys = true
  }
}
rule {
  match {
    kind = "recording"
    name = "(company|connection)_id.*"
  }
  aggregate ".+" {
    strip = ["job", "instance", "pod"]
  }
}
rule {
  match {
    kind = "recording"
    name = "company_id.*"
  }
  aggregate ".+" {
    keep = ["company_id"]
  }
}
rule {
  match {
    kind = "recording"
    name = "job_instance:.*"
  }
  aggregate ".+" {
    keep  = ["job", "instance"]
    strip = ["pod"]
  }
}
rule {
  match {
    kind = "recording"
    name = "job:.*"
  }
  aggregate ".+" {
    keep  = ["job"]
    strip = ["instance", "pod"]
  }
}
