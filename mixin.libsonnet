// The boards of dashboards/ and the rules of alerts/ as a monitoring mixin, for people who generate theirs with jsonnet. What can be set
// is in mixin/config.libsonnet. Needs go-jsonnet 0.19.1 or jsonnet 0.21, or later.
local shipped = (import 'mixin/config.libsonnet')._config;
local text = import 'mixin/text.libsonnet';
local thresholds = import 'mixin/thresholds.libsonnet';

// jsonnet cannot list a folder; a test compares this with what is in dashboards/.
local boards = {
  'nectar-overview.json': importstr 'dashboards/nectar-overview.json',
  'nectar-company.json': importstr 'dashboards/nectar-company.json',
  'nectar-worklist.json': importstr 'dashboards/nectar-worklist.json',
  'nectar-provider.json': importstr 'dashboards/nectar-provider.json',
  'nectar-trend.json': importstr 'dashboards/nectar-trend.json',
  'nectar-exporter.json': importstr 'dashboards/nectar-exporter.json',
};
local alerts = std.parseYaml(importstr 'alerts/nectar-alerts.yml');
local recording = std.parseYaml(importstr 'alerts/nectar-recording.yml');
local messages = importstr 'alerts/nectar.tmpl';
// Nectar's dashboard, as the boards link to it.
local dashboard = 'https://dash.nectarclimate.com';

local escaped(string) = std.strReplace(std.strReplace(string, '\\', '\\\\'), '"', '\\"');

(import 'mixin/config.libsonnet') + {
  local config = $._config,
  local selector = config.nectarSelector,
  local old = thresholds(shipped.nectarThresholds),
  local new = thresholds(config.nectarThresholds),

  local unknown =
    [name for name in std.objectFields(config) if std.startsWith(name, 'nectar') && !std.objectHas(shipped, name)]
    + std.setDiff(std.objectFields(config.nectarThresholds), std.objectFields(shipped.nectarThresholds)),
  assert unknown == [] : 'there is no such setting in mixin/config.libsonnet: ' + std.join(', ', unknown),
  assert !std.member(selector, '%') : 'nectarSelector cannot have a %: ' + selector,

  grafanaDashboards+:: { [name]: board(name) for name in std.objectFields(boards) },
  prometheusAlerts+:: { groups+: [group { rules: std.map(alert, group.rules) } for group in alerts.groups] },
  prometheusRules+:: { groups+: [group { rules: std.map(selected, group.rules) } for group in recording.groups] },
  // Alertmanager's templates, with the links in them.
  alertmanagerTemplates+:: {
    'nectar.tmpl': text.setLinkBase(
      text.setLinkBase(messages, 'board', config.nectarGrafanaUrl), 'login', config.nectarDashboardUrl
    ),
  },

  // A rule with the selector in its expression, and in the queries of its texts.
  local selected(rule) = if selector == '' then rule else rule {
    expr: std.strReplace(
      text.select(text.select(super.expr, 'nectar_', selector), 'up', selector), '{__name__', '{%s, __name__' % selector
    ),
    [if std.objectHas(rule, 'annotations') then 'annotations']:
      std.mapWithKey(function(_, value) text.select(value, 'nectar_', escaped(selector), prose=true), super.annotations),
  },

  // An alert with everything that is set.
  local alert(rule) =
    local edited(field, value) = text.replaceAll(rule.alert, value, old(rule.alert, field), new(rule.alert, field));
    local runbook = std.split(rule.annotations.runbook_url, '#');
    assert std.length(runbook) == 2 : rule.alert + ': runbook_url has not one #';
    selected(rule {
      expr: edited('expr', super.expr),
      annotations: std.mapWithKey(edited, super.annotations) {
        [if config.nectarRunbookUrl != null then 'runbook_url']: config.nectarRunbookUrl + '#' + runbook[1],
      },
    }),

  local board(name) =
    local replaced = text.replaceAll(name, boards[name], old(name, 'json'), new(name, 'json'));
    // As scripts/set-runbook-base does.
    local edited = if config.nectarRunbookUrl == null then replaced
    else std.strReplace(replaced, '"url": "#${', '"url": "%s#${' % escaped(config.nectarRunbookUrl));
    local json = if config.nectarDashboardUrl == null || config.nectarDashboardUrl == '' then edited
    else std.strReplace(edited, dashboard, config.nectarDashboardUrl);
    local matcher = escaped(selector);
    // Every query keeps to the chosen jobs, but for the variable that lists the jobs.
    std.parseJson(if selector == '' then json else std.strReplace(
      std.strReplace(json, '{job=~\\"$job\\"', '{%s, job=~\\"$job\\"' % matcher),
      'label_values(nectar_exporter_build_info,',
      'label_values(nectar_exporter_build_info{%s},' % matcher
    )),
}
