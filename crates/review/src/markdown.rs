//! The report as Markdown.

use std::fmt::{Result, Write};

use crate::number::{exact, share};
use crate::report::{CertificateRow, EndpointRisk, Place, Report};

/// Endpoints listed; the JSON has more.
const RISKS_SHOWN: usize = 30;
/// Rows of the other tables.
const ROWS_SHOWN: usize = 100;
/// Places named with a misconfiguration.
const PLACES_SHOWN: usize = 5;

/// The report as Markdown, with tables.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    write_report(&mut out, report).unwrap_or_default();
    out
}

fn write_report(out: &mut String, report: &Report) -> Result {
    writeln!(out, "# API design review\n")?;
    writeln!(
        out,
        "Heard by {} in {} up to {}: {} requests, {} hosts, {} endpoints.\n",
        text(&report.sensor),
        text(&report.sources.join(", ")),
        text(&report.until),
        exact(report.requests),
        exact(report.hosts_total),
        exact(report.endpoints_total)
    )?;
    match report.risks.first() {
        Some(first) => endpoints(out, report, first)?,
        None if report.encrypted.is_empty() => {
            return writeln!(out, "Nothing was seen that could be reviewed.");
        }
        None => misconfigurations(out, report)?,
    }
    encrypted(out, report)?;
    writeln!(out, "## What this report cannot know\n")?;
    report.limits.iter().try_for_each(|limit| writeln!(out, "- {}", text(limit)))
}

/// What there is to say of hosts that can be read.
fn endpoints(out: &mut String, report: &Report, first: &EndpointRisk) -> Result {
    writeln!(
        out,
        "**Look here first: {} on {}, risk {} of 100 ({}).** {}.\n",
        name(&first.place),
        text(&first.place.host),
        first.score,
        first.severity.label(),
        text(&first.why)
    )?;
    risks(out, report)?;
    next(out, report)?;
    surface(out, report)?;
    misconfigurations(out, report)?;
    authentication(out, report)?;
    logins(out, report)?;
    flows(out, report)?;
    people(out, report)?;
    changes(out, report)
}

fn risks(out: &mut String, report: &Report) -> Result {
    writeln!(out, "## Riskiest endpoints\n")?;
    writeln!(out, "| Risk | | Endpoint | Host | Why |\n|---:|---|---|---|---|")?;
    for risk in report.risks.iter().take(RISKS_SHOWN) {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            risk.score,
            risk.severity.label(),
            name(&risk.place),
            text(&risk.place.host),
            text(&risk.why)
        )?;
    }
    writeln!(out)?;
    report.risks.iter().take(RISKS_SHOWN / 3).try_for_each(|risk| detail(out, risk))
}

fn detail(out: &mut String, risk: &EndpointRisk) -> Result {
    writeln!(out, "### {} on {}: {}\n", name(&risk.place), text(&risk.place.host), risk.score)?;
    for part in &risk.parts {
        writeln!(out, "- {} {} of {}: {}", part.part, part.points, part.of, text(&part.why))?;
    }
    writeln!(out)?;
    for issue in &risk.issues {
        writeln!(
            out,
            "- **{}** ({}, {}): {}. {}",
            text(&issue.title),
            issue.severity.label(),
            issue.owasp,
            text(&issue.seen),
            text(&issue.remedy)
        )?;
    }
    writeln!(out)
}

fn next(out: &mut String, report: &Report) -> Result {
    writeln!(out, "## What to test first\n")?;
    for (at, test) in report.next.iter().enumerate() {
        writeln!(
            out,
            "{}. {} on {} ({}): {}. {}\n",
            at + 1,
            name(&test.place),
            text(&test.place.host),
            test.owasp,
            text(&test.why),
            text(&test.how)
        )?;
        if !test.command.is_empty() {
            // A fence ends where one of as many ticks stands alone on a line: no command has one.
            writeln!(
                out,
                "   ```sh\n   {}\n   ```\n",
                test.command.replace('\n', " ").replace("```", "` ` `")
            )?;
        }
    }
    Ok(())
}

fn surface(out: &mut String, report: &Report) -> Result {
    writeln!(out, "## Attack surface by host\n")?;
    writeln!(
        out,
        "| Host | Environment | Risk | Endpoints | That change something | That answer anyone | Reached from outside | Requests | Software |\n|---|---|---:|---:|---:|---:|---:|---:|---|"
    )?;
    for host in report.hosts.iter().take(ROWS_SHOWN) {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            text(&host.host),
            text(host.environment.as_deref().unwrap_or_default()),
            host.risk,
            host.endpoints,
            host.writes,
            host.open,
            host.external,
            exact(host.requests),
            text(&host.software.join(", "))
        )?;
    }
    writeln!(out)
}

fn misconfigurations(out: &mut String, report: &Report) -> Result {
    writeln!(out, "## What is set up badly\n")?;
    writeln!(
        out,
        "| | What | OWASP API | Seen | Endpoints | Where | Remedy |\n|---|---|---|---|---:|---|---|"
    )?;
    for one in &report.misconfigurations {
        let mut places: Vec<String> = one.places.iter().take(PLACES_SHOWN).map(name).collect();
        if places.is_empty() {
            places = one.hosts.iter().take(PLACES_SHOWN).map(|host| text(host)).collect();
        }
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            one.severity.label(),
            text(&one.title),
            one.owasp,
            text(&one.seen),
            one.endpoints,
            places.join("; "),
            text(&one.remedy)
        )?;
    }
    writeln!(out)
}

fn encrypted(out: &mut String, report: &Report) -> Result {
    if report.encrypted.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Hosts behind TLS\n")?;
    writeln!(
        out,
        "| Host | Server | Versions | Cipher suites | Certificate | Issuer | Valid until | Key | Wrong with it |\n|---|---|---|---|---|---|---|---|---|"
    )?;
    for host in report.encrypted.iter().take(ROWS_SHOWN) {
        let each = |of: fn(&CertificateRow) -> &str| {
            let cells: Vec<String> = host.certificates.iter().map(|one| text(of(one))).collect();
            cells.join("; ")
        };
        let issues: Vec<String> = host
            .issues
            .iter()
            .map(|one| {
                format!("**{}** ({}): {}", text(&one.title), one.severity.label(), text(&one.seen))
            })
            .collect();
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            text(&host.host),
            text(&host.server),
            text(&host.versions.join(", ")),
            text(&host.ciphers.join(", ")),
            each(|one| &one.subject),
            each(|one| &one.issuer),
            each(|one| &one.not_after),
            each(|one| &one.key),
            issues.join("; ")
        )?;
    }
    writeln!(out)
}

fn authentication(out: &mut String, report: &Report) -> Result {
    writeln!(out, "## Authentication\n")?;
    writeln!(
        out,
        "| Endpoint | Host | Scheme | Known callers | Without credentials | Refused without |\n|---|---|---|---|---:|---:|"
    )?;
    for row in report.auth.iter().take(ROWS_SHOWN) {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            name(&row.place),
            text(&row.place.host),
            text(&row.scheme),
            row.consistency,
            share(row.open, row.successes),
            exact(row.refused)
        )?;
    }
    writeln!(out)
}

fn logins(out: &mut String, report: &Report) -> Result {
    if report.logins.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Logins\n")?;
    for login in &report.logins {
        let second: Vec<String> = login.second_factor.iter().map(name).collect();
        let second = if second.is_empty() {
            "no second factor was seen".to_owned()
        } else {
            format!("second factor: {}", second.join(", "))
        };
        writeln!(
            out,
            "- {} on {}: {} attempts, {} successes, {} over TLS; {second}",
            name(&login.place),
            text(&login.place.host),
            exact(login.attempts),
            exact(login.successes),
            share(login.over_tls, login.attempts)
        )?;
    }
    writeln!(out)
}

fn flows(out: &mut String, report: &Report) -> Result {
    let flows = &report.flows;
    if flows.carries.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Where data flows\n")?;
    writeln!(out, "| Host | Data | Endpoints | In answers |\n|---|---|---:|---|")?;
    for edge in &flows.carries {
        if let (Some(host), Some(data)) = (flows.hosts.get(edge.from), flows.data.get(edge.to)) {
            writeln!(
                out,
                "| {} | {} | {} | {} |",
                text(&host.name),
                text(&data.name),
                edge.weight,
                if edge.answers { "yes" } else { "no" }
            )?;
        }
    }
    writeln!(out)
}

fn people(out: &mut String, report: &Report) -> Result {
    if report.shared.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Credentials that seem to be shared\n")?;
    for row in &report.shared {
        writeln!(
            out,
            "- `{}`: {}; {} requests, {} endpoints",
            row.key,
            text(&row.shared),
            exact(row.requests),
            row.places_total
        )?;
    }
    writeln!(out)
}

fn changes(out: &mut String, report: &Report) -> Result {
    if report.changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Latest changes\n")?;
    for change in report.changes.iter().take(ROWS_SHOWN / 3) {
        writeln!(
            out,
            "- {} {}: {} on {} {}",
            change.at,
            change.kind,
            name(&change.place),
            text(&change.place.host),
            text(&change.what)
        )?;
    }
    writeln!(out)
}

/// Method and path, as code.
fn name(place: &Place) -> String {
    format!("`{} {}`", code(&place.method), code(&place.template))
}

/// What may stand between ticks in a table.
fn code(text: &str) -> String {
    text.replace('`', "'").replace('|', "\\|").replace('<', "‹").replace('>', "›")
}

/// Text in which no character means markup.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}
