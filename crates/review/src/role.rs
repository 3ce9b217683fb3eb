//! What an endpoint is for, by what it takes, what it answers and what it is called.

use tapline_model::{EndpointView, Fact};

use crate::fields::has_field;

/// What an endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Takes a password and answers with a session or a token.
    Login,
    /// Takes a code that was sent or made elsewhere.
    SecondFactor,
    /// Administration.
    Admin,
    /// For those who operate or develop it.
    Debug,
    /// Describes the API.
    Documentation,
    /// Says whether the service is well.
    Health,
    /// Files of a page.
    Static,
    /// What the API is there for.
    Business,
}

impl Role {
    /// The label in files and pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SecondFactor => "second_factor",
            Self::Admin => "admin",
            Self::Debug => "debug",
            Self::Documentation => "documentation",
            Self::Health => "health",
            Self::Static => "static",
            Self::Business => "business",
        }
    }

    /// Whether it is usual that nobody has to prove who they are.
    pub const fn is_public(self) -> bool {
        matches!(
            self,
            Self::Login | Self::SecondFactor | Self::Documentation | Self::Health | Self::Static
        )
    }
}

const PASSWORDS: &[&str] =
    &["password", "passwd", "pass", "pwd", "passphrase", "secret", "passwort"];
const TOKENS: &[&str] = &[
    "accesstoken",
    "token",
    "jwt",
    "idtoken",
    "refreshtoken",
    "session",
    "sessionid",
    "authtoken",
];
const CODES: &[&str] = &[
    "otp",
    "totp",
    "mfacode",
    "otpcode",
    "onetimecode",
    "onetimepassword",
    "verificationcode",
    "authcode",
    "passcode",
    "twofactorcode",
    "securitycode",
    "mfatoken",
];
const CODE_WORDS: &[&str] = &["mfa", "2fa", "otp", "totp", "verify", "challenge", "factor"];
const LOGIN_WORDS: &[&str] =
    &["login", "signin", "logon", "auth", "authenticate", "token", "session", "sessions"];
const ADMIN_WORDS: &[&str] = &[
    "admin",
    "administrator",
    "administration",
    "backoffice",
    "manage",
    "management",
    "superuser",
    "root",
    "phpmyadmin",
    "wp-admin",
    "internal",
];
const DEBUG_WORDS: &[&str] = &[
    "debug",
    "actuator",
    "heapdump",
    "threaddump",
    "phpinfo",
    "phpinfo.php",
    "pprof",
    "jolokia",
    "jmx",
    "server-status",
    "server-info",
    "trace",
    "console",
    ".git",
    ".env",
    ".svn",
    "metrics",
    "_profiler",
    "elmah.axd",
    "trace.axd",
    "h2-console",
    "_debugbar",
    "_ignition",
];
const DOCUMENT_WORDS: &[&str] = &[
    "swagger",
    "swagger-ui",
    "swagger.json",
    "swagger.yaml",
    "openapi",
    "openapi.json",
    "openapi.yaml",
    "api-docs",
    "redoc",
    "graphiql",
    "playground",
    "docs",
];
const HEALTH_WORDS: &[&str] = &[
    "health",
    "healthz",
    "healthy",
    "ready",
    "readyz",
    "live",
    "livez",
    "ping",
    "status",
    "version",
    "alive",
    "heartbeat",
];
const STATIC_ENDINGS: &[&str] = &[
    ".css",
    ".js",
    ".mjs",
    ".map",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".ico",
    ".webp",
    ".woff",
    ".woff2",
    ".ttf",
    ".txt",
    ".webmanifest",
];

/// What an endpoint is for.
pub fn role_of(endpoint: &EndpointView) -> Role {
    let template = endpoint.template.to_ascii_lowercase();
    let words: Vec<&str> = template.split('/').filter(|word| !word.is_empty()).collect();
    let has_word = |known: &[&str]| words.iter().any(|word| is_word(word, known));
    if is_written(&endpoint.method) {
        if sends(endpoint, CODES) || (sends(endpoint, &["code", "pin"]) && has_word(CODE_WORDS)) {
            return Role::SecondFactor;
        }
        let takes_password = sends(endpoint, PASSWORDS);
        let gives_session = endpoint.count_of(Fact::SessionSet) > 0
            || has_field(endpoint, &["response_body"], |name| is_named(name, TOKENS));
        if takes_password && (gives_session || has_word(LOGIN_WORDS)) {
            return Role::Login;
        }
    }
    if has_word(DEBUG_WORDS) || endpoint.count_of(Fact::DebugPage) > 0 {
        return Role::Debug;
    }
    if has_word(ADMIN_WORDS) {
        return Role::Admin;
    }
    if has_word(DOCUMENT_WORDS) || endpoint.count_of(Fact::ApiDescription) > 0 {
        return Role::Documentation;
    }
    if words.last().is_some_and(|word| is_word(word, HEALTH_WORDS)) {
        return Role::Health;
    }
    if STATIC_ENDINGS.iter().any(|ending| template.ends_with(ending)) {
        return Role::Static;
    }
    Role::Business
}

/// Whether a method changes something.
pub(crate) fn is_written(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
}

/// Whether its requests have a field of one of these names.
fn sends(endpoint: &EndpointView, names: &[&str]) -> bool {
    has_field(endpoint, &["body", "query"], |name| is_named(name, names))
}

fn is_word(word: &str, known: &[&str]) -> bool {
    known.contains(&word) || word.split(['-', '_', ':', '.']).any(|part| known.contains(&part))
}

fn is_named(name: &str, names: &[&str]) -> bool {
    let last = last_part(name);
    // A name is never longer than what it is the letters of.
    let is_it = |known: &&str| known.len() <= last.len() && letters(last).eq(known.bytes());
    names.iter().any(is_it)
}

/// The last part of a nested name, without what only joins words: `user.card_number[]` is
/// `cardnumber`.
pub(crate) fn bare_name(name: &str) -> String {
    letters(last_part(name)).map(char::from).collect()
}

fn last_part(mut name: &str) -> &str {
    while let Some(list) = name.strip_suffix("[]") {
        name = list;
    }
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

/// The letters and digits of a name, as small ones.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use tapline_model::ParameterView;

    use super::*;
    use crate::report::tests::endpoint;

    fn with(method: &str, template: &str, parameters: &[(&str, &str)]) -> Role {
        let mut endpoint = endpoint(method, template);
        endpoint.parameters = parameters
            .iter()
            .map(|(location, name)| ParameterView {
                location: (*location).to_owned(),
                name: (*name).to_owned(),
                types: Vec::new(),
                present: 1,
                of: 1,
                ..Default::default()
            })
            .collect();
        role_of(&endpoint)
    }

    #[test]
    fn roles_are_known_by_behaviour_before_they_are_by_name() {
        for (method, template, parameters, role) in [
            (
                "POST",
                "/x",
                vec![("body", "pass_word"), ("response_body", "access_token")],
                Role::Login,
            ),
            ("POST", "/x", vec![("body", "user.password")], Role::Business),
            ("POST", "/login", vec![("body", "password")], Role::Login),
            ("POST", "/login/otp", vec![("body", "otp")], Role::SecondFactor),
            ("POST", "/mfa/verify", vec![("body", "code")], Role::SecondFactor),
            ("POST", "/coupons", vec![("body", "code")], Role::Business),
            ("GET", "/admin/users", vec![], Role::Admin),
            ("GET", "/actuator/env", vec![], Role::Debug),
            ("GET", "/v3/api-docs", vec![], Role::Documentation),
            ("GET", "/api/health", vec![], Role::Health),
            ("GET", "/app.js", vec![], Role::Static),
            ("GET", "/orders/{orderId}", vec![], Role::Business),
            ("POST", "/login", vec![("body", "logins[][].Pass-Word[][]")], Role::Login),
            ("POST", "/login", vec![("body", "password.length")], Role::Business),
            ("POST", "/login", vec![("body", "pass\u{e9}word")], Role::Login),
        ] {
            assert_eq!(with(method, template, &parameters), role, "{method} {template}");
        }
    }
}
