//! A small HTTP client over curl, so that the sensor is asked by a program that is not ours.

use std::process::Command;

/// The body of a GET, or none when it was not answered with 200.
pub fn get(url: &str) -> Option<String> {
    let answer = ask(&["-f", url]);
    answer.filter(|text| !text.is_empty())
}

/// The status of a GET; 0 when nobody answers.
pub fn status(url: &str) -> u16 {
    ask(&["-o", "/dev/null", "-w", "%{http_code}", url])
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

fn ask(arguments: &[&str]) -> Option<String> {
    let out = Command::new("curl").args(["-s", "-m", "20"]).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The value of one series of a metrics page: the line that begins with `series`.
pub fn metric(page: &str, series: &str) -> Option<f64> {
    page.lines()
        .find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))
        .and_then(|line| line.rsplit(' ').next())
        .and_then(|value| value.parse().ok())
}

/// The sum of all series of a metric whose labels contain `filter`.
pub fn sum(page: &str, name: &str, filter: &str) -> f64 {
    page.lines()
        .filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && line.contains(filter)
        })
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
