//! Queries to Prometheus through its HTTP API.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::servers::Server;

/// A series of a query's result.
#[derive(Debug)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its last value.
    pub value: f64,
}

impl Server {
    /// Queries Prometheus, for now or for the last half minute. The result must have no error, no warning or other annotation, and no
    /// value that is not a number.
    pub async fn ask(&self, query: &str, over_time: bool) -> Vec<Series> {
        let now = jiff::Timestamp::now().as_second();
        let (start, end) = ((now - 30).to_string(), now.to_string());
        let (path, times) = if over_time {
            ("query_range", vec![("start", start.as_str()), ("end", &end), ("step", "1")])
        } else {
            ("query", vec![])
        };
        let parameters = [("query", query)].into_iter().chain(times);
        let url = format!("{}/api/v1/{path}", self.url);
        let url = reqwest::Url::parse_with_params(&url, parameters).unwrap();
        let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        for annotations in ["warnings", "infos"] {
            assert!(answer[annotations].is_null(), "{query}: {answer}");
        }
        let result = answer["data"]["result"].as_array().unwrap();
        result.iter().map(|series| Series::read(query, series)).collect()
    }
}

impl Series {
    fn read(query: &str, series: &Value) -> Self {
        let single = [series["value"].clone()];
        let samples = series["values"].as_array().map_or(&single[..], Vec::as_slice);
        let values: Vec<f64> =
            samples.iter().map(|sample| sample[1].as_str().unwrap().parse().unwrap()).collect();
        assert!(values.iter().all(|value| value.is_finite()), "{query}: {values:?}");
        let labels = series["metric"].as_object().unwrap().iter();
        let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        Self { labels, value: values[values.len() - 1] }
    }
}
