//! The names behind the identifiers of public lists.

/// Identifier and name: OWASP API Security Top 10 (2023), OWASP Automated Threats to Web
/// Applications 1.2, and the techniques of MITRE ATT&CK that API traffic can show.
const NAMES: [(&str, &str); 58] = [
    ("API1:2023", "Broken Object Level Authorization"),
    ("API2:2023", "Broken Authentication"),
    ("API3:2023", "Broken Object Property Level Authorization"),
    ("API4:2023", "Unrestricted Resource Consumption"),
    ("API5:2023", "Broken Function Level Authorization"),
    ("API6:2023", "Unrestricted Access to Sensitive Business Flows"),
    ("API7:2023", "Server Side Request Forgery"),
    ("API8:2023", "Security Misconfiguration"),
    ("API9:2023", "Improper Inventory Management"),
    ("API10:2023", "Unsafe Consumption of APIs"),
    ("OAT-001", "Carding"),
    ("OAT-002", "Token Cracking"),
    ("OAT-003", "Ad Fraud"),
    ("OAT-004", "Fingerprinting"),
    ("OAT-005", "Scalping"),
    ("OAT-006", "Expediting"),
    ("OAT-007", "Credential Cracking"),
    ("OAT-008", "Credential Stuffing"),
    ("OAT-009", "CAPTCHA Defeat"),
    ("OAT-010", "Card Cracking"),
    ("OAT-011", "Scraping"),
    ("OAT-012", "Cashing Out"),
    ("OAT-013", "Sniping"),
    ("OAT-014", "Vulnerability Scanning"),
    ("OAT-015", "Denial of Service"),
    ("OAT-016", "Skewing"),
    ("OAT-017", "Spamming"),
    ("OAT-018", "Footprinting"),
    ("OAT-019", "Account Creation"),
    ("OAT-020", "Account Aggregation"),
    ("OAT-021", "Denial of Inventory"),
    ("T1020", "Automated Exfiltration"),
    ("T1030", "Data Transfer Size Limits"),
    ("T1041", "Exfiltration Over C2 Channel"),
    ("T1048", "Exfiltration Over Alternative Protocol"),
    ("T1059", "Command and Scripting Interpreter"),
    ("T1071.001", "Application Layer Protocol: Web Protocols"),
    ("T1078", "Valid Accounts"),
    ("T1087", "Account Discovery"),
    ("T1110", "Brute Force"),
    ("T1110.001", "Brute Force: Password Guessing"),
    ("T1110.003", "Brute Force: Password Spraying"),
    ("T1110.004", "Brute Force: Credential Stuffing"),
    ("T1119", "Automated Collection"),
    ("T1190", "Exploit Public-Facing Application"),
    ("T1213", "Data from Information Repositories"),
    ("T1498", "Network Denial of Service"),
    ("T1499", "Endpoint Denial of Service"),
    ("T1528", "Steal Application Access Token"),
    ("T1539", "Steal Web Session Cookie"),
    ("T1548", "Abuse Elevation Control Mechanism"),
    ("T1550", "Use Alternate Authentication Material"),
    ("T1552", "Unsecured Credentials"),
    ("T1565", "Data Manipulation"),
    ("T1567", "Exfiltration Over Web Service"),
    ("T1595", "Active Scanning"),
    ("T1595.002", "Active Scanning: Vulnerability Scanning"),
    ("T1595.003", "Active Scanning: Wordlist Scanning"),
];

/// The name of an identifier; that of the technique for a sub-technique not listed; else empty.
pub(super) fn name_of(id: &str) -> &'static str {
    let find = |wanted: &str| NAMES.iter().find(|(known, _)| *known == wanted);
    let technique = id.split_once('.').map_or(id, |(technique, _)| technique);
    find(id).or_else(|| find(technique)).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_names() {
        assert_eq!(name_of("API9:2023"), "Improper Inventory Management");
        assert_eq!(name_of("T1595.003"), "Active Scanning: Wordlist Scanning");
        assert_eq!(name_of("T1499.001"), "Endpoint Denial of Service");
        assert_eq!(name_of("unheard of"), "");
    }
}
