//! The endpoints: base paths, the key, parameters, the envelope, filters.

use std::collections::BTreeSet;

use nectar_simulator::Plan;
use reqwest::StatusCode;
use serde_json::json;

use crate::api::{ids, open, text};

#[tokio::test]
async fn any_base_path_will_do() {
    let api = open(&Plan::default()).await;
    let id = api.company(0);
    for (path, status) in [
        ("/ping", 200),
        ("/v2.2/company", 200),
        (&format!("/a/b/connection/company/{id}"), 200),
        (&format!("/connection/company/{}", id.replace('-', "%2D")), 200),
        (&format!("/connection/company/{}", id.to_uppercase()), 200),
        ("/", 404),
        ("/pong", 404),
        ("/ping/", 404),
        ("/connection/company", 404),
        ("/company/ping/x", 404),
    ] {
        let (answered, body) = api.json(path).await;
        assert_eq!(answered.as_u16(), status, "{path}");
        assert_eq!(body["detail"].is_string(), status != 200, "{path}");
    }
}

#[tokio::test]
async fn the_key_comes_before_everything_else() {
    let api = open(&Plan::default()).await;
    for path in ["/ping", "/company", "/no/such", "/connection/company/x"] {
        let url = format!("{}{path}", api.base);
        for request in [api.client.get(&url), api.client.post(&url).header("X-API-Key", "wrong")] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            assert!(answer.text().await.unwrap().contains("\"detail\""));
        }
    }
    api.simulator.accept_key("new");
    assert_eq!(api.send("/ping").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let with_new = api.client.get(format!("{}/ping", api.base)).header("x-api-key", "new");
    assert_eq!(with_new.send().await.unwrap().status(), StatusCode::OK);
    let post = api.client.post(format!("{}/ping", api.base)).header("x-api-key", "new");
    assert_eq!(post.send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(api.simulator.requests(), 11);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let api = open(&Plan::default()).await;
    let id = api.company(0);
    for (ending, status) in [
        ("?limit=1", 200),
        ("?limit=500&page=1&what=ever&sites=1", 200),
        ("?page=99999999999999999999999", 200),
        ("?limit=0", 400),
        ("?limit=501", 400),
        ("?limit=", 400),
        ("?limit=1.0", 400),
        ("?limit=%2B5", 400),
        ("?page=0", 400),
        ("?page=-1", 400),
        ("?page=one", 400),
    ] {
        let (answered, body) = api.json(&format!("/connection/company/{id}{ending}")).await;
        assert_eq!(answered.as_u16(), status, "{ending}: {body}");
        assert_eq!(body["detail"].is_string(), status != 200, "{ending}");
    }
    for (id, status) in
        [("nonsense", 400), ("", 400), ("%ff", 400), ("00000000-0000-4000-8000-000000000000", 403)]
    {
        let (answered, body) = api.json(&format!("/connection/company/{id}")).await;
        assert_eq!(answered.as_u16(), status, "{id}");
        assert!(body["detail"].is_string());
    }
}

#[tokio::test]
async fn pages_together_are_the_list() {
    let api = open(&Plan::default()).await;
    let id = api.company(0);
    let whole = api.page(&id, "").await;
    let total = ids(&whole).len();
    assert_eq!(whole["perPage"], 100);
    let pages = total.div_ceil(7);
    let mut seen = Vec::new();
    for number in 1..=pages {
        let page = api.page(&id, &format!("?limit=7&page={number}")).await;
        let numbers = json!([
            page["totalConnections"],
            page["perPage"],
            page["totalPages"],
            page["currentPage"],
            page["hasNext"],
            page["hasPrevious"]
        ]);
        assert_eq!(numbers, json!([total, 7, pages, number, number < pages, number > 1]));
        seen.extend(ids(&page));
    }
    assert_eq!(seen, ids(&whole));
    let beyond = api.text(&format!("/connection/company/{id}?limit=7&page={}", pages + 5)).await;
    assert_eq!(beyond, api.text(&format!("/connection/company/{id}?limit=7&page={pages}")).await);
}

#[tokio::test]
async fn an_empty_list_has_one_page_that_does_not_exist() {
    let api = open(&Plan { connections: 0, companies: 2, ..Plan::default() }).await;
    let page = api.page(&api.company(1), "?page=3").await;
    assert_eq!(
        page,
        json!({
            "totalConnections": 0, "perPage": 100, "totalPages": 0, "currentPage": 1,
            "hasNext": false, "hasPrevious": false, "connections": []
        })
    );
    let api = open(&Plan { companies: 0, ..Plan::default() }).await;
    assert_eq!(api.json("/company").await.1, json!([]));
}

#[tokio::test]
async fn filters_leave_what_they_name() {
    let api = open(&Plan { companies: 1, connections: 200, ..Plan::default() }).await;
    let id = api.company(0);
    let all = api.page(&id, "?limit=500").await;
    let rows = all["connections"].as_array().unwrap();
    for (parameter, field) in [("status", "status"), ("connectionOwnerEmail", "workflowOwnerEmail")] {
        let values: BTreeSet<String> = rows.iter().map(|row| text(row, field)).collect();
        assert!(values.len() > 2);
        for value in values {
            let wanted: Vec<String> =
                rows.iter().filter(|row| row[field] == *value).map(|row| text(row, "id")).collect();
            let query = format!("?limit=500&{parameter}={}", value.replace('@', "%40"));
            assert_eq!(ids(&api.page(&id, &query).await), wanted, "{query}");
        }
    }
    assert!(ids(&api.page(&id, "?status=NO_SUCH").await).is_empty());
}

#[tokio::test]
async fn gzip_is_for_those_who_ask() {
    let api = open(&Plan::default()).await;
    let url = format!("{}/connection/company/{}", api.base, api.company(0));
    let plain = api.client.get(&url).header("X-API-Key", crate::api::KEY);
    let asking = plain.try_clone().unwrap().header("Accept-Encoding", "gzip").send().await.unwrap();
    assert_eq!(asking.headers()["content-encoding"], "gzip");
    let plain = plain.send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    let packed = asking.bytes().await.unwrap().len();
    let unpacked = plain.text().await.unwrap();
    assert!(packed < unpacked.len() / 2);
    let unpacking =
        reqwest::Client::new().get(&url).header("X-API-Key", crate::api::KEY).send().await.unwrap();
    assert_eq!(unpacking.text().await.unwrap(), unpacked);
}
