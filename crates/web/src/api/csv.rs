//! The inventory as a table for spreadsheets (RFC 4180).

use std::borrow::Cow;

use tapline_model::EndpointView;

use crate::selection::endpoints::errors_of;

const HEAD: &str = "id,host,method,template,state,auth,formats,requests,errors,consumers,\
     latency_p50_us,latency_p99_us,first_seen,last_seen,environment,requests_external,\
     requests_partner,requests_internal\r\n";

/// One line an endpoint, below one of names.
pub(crate) fn table(endpoints: &[&EndpointView]) -> String {
    let mut text = String::from(HEAD);
    for endpoint in endpoints {
        let auth: Vec<&str> = endpoint.auth.iter().map(|(label, _)| label.as_str()).collect();
        let cells = [
            endpoint.id.to_string(),
            endpoint.host.clone(),
            endpoint.method.clone(),
            endpoint.template.clone(),
            endpoint.state.label().to_owned(),
            auth.join(" "),
            endpoint.formats.join(" "),
            endpoint.requests.to_string(),
            errors_of(endpoint).0.to_string(),
            endpoint.consumers.to_string(),
            endpoint.latency_us.p50.to_string(),
            endpoint.latency_us.p99.to_string(),
            endpoint.first_seen.to_string(),
            endpoint.last_seen.to_string(),
            endpoint.labels.environment.clone().unwrap_or_default(),
            endpoint.places.external.to_string(),
            endpoint.places.partner.to_string(),
            endpoint.places.internal.to_string(),
        ];
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            text.push_str(&quoted(cell));
        }
        text.push_str("\r\n");
    }
    text
}

/// A cell. One that a spreadsheet would run as a formula begins with an apostrophe, as OWASP
/// advises against CSV injection; names come from traffic.
fn quoted(cell: &str) -> Cow<'_, str> {
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if !runs && !cell.contains([',', '"', '\r', '\n', ';']) {
        return Cow::Borrowed(cell);
    }
    let guard = if runs { "'" } else { "" };
    Cow::Owned(format!("\"{guard}{}\"", cell.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cannot_break_out_or_run() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,b\"c"), "\"a,b\"\"c\"");
        assert_eq!(quoted("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(quoted("@SUM(1)"), "\"'@SUM(1)\"");
    }
}
