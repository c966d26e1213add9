//! What a request asks for: the end of its path, and its query.

use percent_encoding::percent_decode_str;
use url::form_urlencoded;
use uuid::Uuid;

/// The number of rows that a page may have.
const LIMITS: std::ops::RangeInclusive<u64> = 1..=500;

/// What is asked for, whatever the path begins with.
#[derive(Debug, PartialEq, Eq)]
pub enum ApiRequest {
    Ping,
    CompanyList,
    Connections { id: String, query: Vec<(String, String)> },
    Unknown,
}

impl ApiRequest {
    /// Reads a path as it came in, still escaped, and its query.
    pub fn read(path: &str, query: Option<&str>) -> Self {
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            [.., "connection", "company", id] => {
                let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
                let id = percent_decode_str(id).decode_utf8_lossy().into_owned();
                Self::Connections { id, query: query.collect() }
            }
            [.., "connection", "company"] => Self::Unknown,
            [.., "company"] => Self::CompanyList,
            [.., "ping"] => Self::Ping,
            _ => Self::Unknown,
        }
    }

    /// The company and the page that are asked for; page 1 if the number is missing or not a number.
    pub fn page_of(&self) -> Option<(&str, u64)> {
        let Self::Connections { id, query } = self else { return None };
        Some((id, number(query, "page").ok().flatten().unwrap_or(1)))
    }
}

/// A request for a list, with all parameters in range.
#[derive(Debug)]
pub struct ListQuery {
    pub company: Uuid,
    pub page: u64,
    pub limit: u64,
    pub status: Option<String>,
    pub owner: Option<String>,
}

impl ListQuery {
    /// Reads the id and the parameters.
    ///
    /// # Errors
    /// The `detail` of a 400.
    pub fn read(id: &str, query: &[(String, String)]) -> Result<Self, String> {
        let company = Uuid::try_parse(id).map_err(|_| "company_id: not a valid UUID".to_owned())?;
        let page = number(query, "page")?.unwrap_or(1);
        let limit = number(query, "limit")?.unwrap_or(100);
        if page == 0 {
            return Err("page: must be 1 or more".to_owned());
        }
        if !LIMITS.contains(&limit) {
            return Err("limit: must be from 1 to 500".to_owned());
        }
        let text = |name| value(query, name).map(str::to_owned);
        Ok(Self { company, page, limit, status: text("status"), owner: text("connectionOwnerEmail") })
    }
}

fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn number(query: &[(String, String)], name: &str) -> Result<Option<u64>, String> {
    let Some(text) = value(query, name) else { return Ok(None) };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{name}: not a whole number"));
    }
    // More digits than fit are still a number: it is beyond every last page.
    Ok(Some(text.parse().unwrap_or(u64::MAX)))
}
