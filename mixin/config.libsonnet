// What can be set in the mixin. Where nothing is set, boards and rules are as they stand in dashboards/ and alerts/.
{
  _config+:: {
    // Label matchers for every selector of a scraped series, as in 'job="nectar"'. Recorded series are made from these, and ALERTS from
    // those; they have no job.
    nectarSelector: '',

    // Where the runbooks are: what stands before the # of each runbook_url, and of the Overview's links to them. null: as in the
    // files.
    nectarRunbookUrl: null,

    // Where links in messages lead, without a slash at the end: Grafana, and Nectar's dashboard, to which the boards link too. null: as in
    // the files. '': messages have no such link.
    nectarGrafanaUrl: null,
    nectarDashboardUrl: null,

    // In days or percent; those as shipped are in mixin/thresholds.json. Boards and the texts of alerts change along.
    //   interventionOverdueDays  NectarInterventionOverdue takes over from NectarInterventionNeeded when a customer has not acted for
    //                            longer
    //   investigationStuckDays   NectarInvestigationStuck: Nectar has been investigating a login for longer
    //   pendingStuckDays         NectarPendingStuck: a new login has been pending for longer
    //   accountsFailingPercent   NectarAccountsFailing: this part of a company's live accounts or more has an error
    //   providerOutagePercent    NectarProviderOutage: of a utility's logins that were checked lately, this part or more finds the
    //                            website down
    //   fleetShrunkPercent       NectarFleetShrunk: there are fewer than this part of yesterday's connections
    nectarThresholds: (import 'thresholds.json').shipped,
  },
}
