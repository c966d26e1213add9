//! Prometheus asks for OpenMetrics by itself, and learns from it since when counters count.

use nectar_simulator::Plan;

use crate::world::World;

/// Prometheus 3 adds a zero at that time, as it is told to in `servers`. Earlier ones keep it as a series.
const KNOWN: &str = "(min_over_time(nectar_exporter_polls_total[10m]) == 0 and nectar_exporter_polls_total > 0) \
                     or nectar_exporter_polls_created == on (job, instance) nectar_exporter_start_timestamp_seconds";

#[tokio::test(flavor = "multi_thread")]
async fn it_is_known_since_when_counters_count() {
    World::over(&Plan { companies: 2, ..Plan::default() }, &[], None, KNOWN).await;
}
