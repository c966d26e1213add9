// Where the thresholds `t` stand: a list of texts for each field of an alert or board, with how often each is found there.
function(t) {
  local share(percent) = '%g' % (percent / 100),
  // As in the JSON of a board: 14.0, and 7.5.
  local step(days) = if days == std.floor(days) then '%d.0' % days else '%g' % days,

  alerts: {
    NectarInterventionNeeded: { expr: [['< time() - %g * 86400' % t.interventionOverdueDays, 1]] },
    NectarInterventionOverdue: {
      expr: [['< time() - %g * 86400' % t.interventionOverdueDays, 2]],
      summary: [['over %g days' % t.interventionOverdueDays, 1]],
    },
    NectarInvestigationStuck: {
      expr: [['- %g * 86400' % t.investigationStuckDays, 1]],
      summary: [['over %g days' % t.investigationStuckDays, 1]],
    },
    NectarPendingStuck: {
      expr: [['- %g * 86400' % t.pendingStuckDays, 1]],
      summary: [['over %g days' % t.pendingStuckDays, 1]],
    },
    NectarAccountsFailing: {
      expr: [['>= ' + share(t.accountsFailingPercent), 1]],
      summary: [['%g %% or more' % t.accountsFailingPercent, 1]],
    },
    NectarProviderOutage: { expr: [['>= ' + share(t.providerOutagePercent), 1]] },
    NectarFleetShrunk: {
      expr: [['< ' + share(t.fleetShrunkPercent), 1]],
      summary: [['less than %g %%' % t.fleetShrunkPercent, 1]],
    },
  },
  // Of the JSON of a board.
  boards: {
    'nectar-overview.json': [
      ['%g %% or more are down' % t.providerOutagePercent, 1],
      ['>= %s)' % share(t.providerOutagePercent), 5],
      ['"value": ' + share(t.providerOutagePercent), 1],
      ['"Waiting %g days"' % t.interventionOverdueDays, 2],
      ['/ 86400 > %g)' % t.interventionOverdueDays, 5],
      ['over %g days' % t.interventionOverdueDays, 1],
      ['"value": ' + step(t.interventionOverdueDays), 1],
    ],
    'nectar-provider.json': [['"value": ' + share(t.providerOutagePercent), 1]],
    'nectar-worklist.json': [
      ['from %g days' % t.interventionOverdueDays, 1],
      ['"value": ' + step(t.interventionOverdueDays), 2],
    ],
  },
}
