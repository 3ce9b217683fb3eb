//! `tapline interfaces`.

use std::io::Write;

use tapline_capture::{CaptureError, ErrorKind, Interface, interfaces, probe};

use crate::cli;
use crate::exit::Failure;

const HEAD: [&str; 7] =
    ["NAME", "STATE", "LINK", "CAPTURE", "PROMISCUOUS", "ADDRESSES", "DESCRIPTION"];

/// Lists the interfaces, one a line, with what stands in the way of listening.
pub(crate) fn run() -> Result<(), Failure> {
    let rows: Vec<[String; HEAD.len()]> =
        interfaces()?.iter().map(|interface| row(interface, probe(&interface.name))).collect();
    cli::print(|out| out.write_all(table(&rows).as_bytes()))
}

fn row(interface: &Interface, probed: Result<String, CaptureError>) -> [String; HEAD.len()] {
    let state = match (interface.up, interface.connected) {
        (false, _) => "down",
        (true, Some(false)) => "no carrier",
        (true, _) => "up",
    };
    let (link, capture) = match probed {
        Ok(link) => (link, "yes"),
        Err(error) => ("-".to_owned(), hindrance(&error)),
    };
    let promiscuous = if interface.loopback {
        "no need"
    } else if interface.wireless {
        "own frames only"
    } else if interface.name == "any" {
        "never"
    } else {
        "yes"
    };
    let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
    [
        interface.name.clone(),
        state.to_owned(),
        link,
        capture.to_owned(),
        promiscuous.to_owned(),
        if addresses.is_empty() { "-".to_owned() } else { addresses.join(" ") },
        interface.description.clone().unwrap_or_default(),
    ]
}

fn hindrance(error: &CaptureError) -> &'static str {
    match (error, error.kind()) {
        (CaptureError::InterfaceDown { .. }, _) => "is down",
        (_, ErrorKind::Privilege) => "needs CAP_NET_RAW",
        _ => "no",
    }
}

/// Columns as wide as their widest cell; nothing after the last.
fn table(rows: &[[String; HEAD.len()]]) -> String {
    let head = HEAD.map(str::to_owned);
    let lines: Vec<&[String; HEAD.len()]> = std::iter::once(&head).chain(rows).collect();
    let mut text = String::new();
    for line in &lines {
        let mut drawn = String::new();
        for (column, cell) in line.iter().enumerate() {
            let widths = lines.iter().filter_map(|line| line.get(column));
            let width = widths.map(|cell| cell.chars().count()).max().unwrap_or(0);
            drawn.push_str(cell);
            let gap = width + 2 - cell.chars().count();
            drawn.extend(std::iter::repeat_n(' ', gap));
        }
        text.push_str(drawn.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str) -> Interface {
        Interface {
            name: name.to_owned(),
            description: None,
            addresses: Vec::new(),
            up: true,
            connected: Some(true),
            loopback: false,
            wireless: false,
        }
    }

    #[test]
    fn a_row_says_what_stands_in_the_way() {
        let down = Interface { up: false, ..interface("eth1") };
        let refused = CaptureError::InterfaceDown { interface: "eth1".to_owned() };
        assert_eq!(row(&down, Err(refused))[1..4], ["down", "-", "is down"]);
        let pulled = Interface { connected: Some(false), ..interface("eth2") };
        assert_eq!(
            row(&pulled, Ok("EN10MB".to_owned()))[1..5],
            ["no carrier", "EN10MB", "yes", "yes"]
        );
        let denied =
            CaptureError::MissingPrivilege { interface: "eth3".to_owned(), message: String::new() };
        assert_eq!(row(&interface("eth3"), Err(denied))[3], "needs CAP_NET_RAW");
        let radio = Interface { wireless: true, ..interface("wlan0") };
        assert_eq!(row(&radio, Ok(String::new()))[4], "own frames only");
    }

    #[test]
    fn columns_stand_below_one_another() {
        let mut local = Interface { loopback: true, connected: None, ..interface("lo") };
        local.addresses = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let mut long = interface("enp129s0f0np0");
        long.description = Some("mirror of rack 4".to_owned());
        let rows = [row(&local, Ok("EN10MB".to_owned())), row(&long, Ok("EN10MB".to_owned()))];
        assert_eq!(
            table(&rows),
            "\
NAME           STATE  LINK    CAPTURE  PROMISCUOUS  ADDRESSES      DESCRIPTION
lo             up     EN10MB  yes      no need      127.0.0.1 ::1
enp129s0f0np0  up     EN10MB  yes      yes          -              mirror of rack 4
"
        );
    }
}
