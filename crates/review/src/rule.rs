//! The rules: what each is called, what to do, and which part of a risk it adds to.

/// The parts of a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Who may call it, and how that is proven.
    Authentication,
    /// What it carries.
    Data,
    /// What it does.
    Function,
    /// How it is built and configured.
    Misconfiguration,
    /// Who can reach it.
    Exposure,
    /// Whether anyone has written it down.
    Document,
    /// How much it is used.
    Activity,
}

impl Part {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Data => "data",
            Self::Function => "function",
            Self::Misconfiguration => "misconfiguration",
            Self::Exposure => "exposure",
            Self::Document => "document",
            Self::Activity => "activity",
        }
    }

    /// The most it can add; all together 100.
    pub(crate) const fn points_max(self) -> u32 {
        match self {
            Self::Authentication => 30,
            Self::Data => 20,
            Self::Function => 12,
            Self::Misconfiguration => 18,
            Self::Exposure => 8,
            Self::Document => 7,
            Self::Activity => 5,
        }
    }
}

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) part: Part,
    /// OWASP API Security Top 10 2023.
    pub(crate) owasp: &'static str,
    pub(crate) remedy: &'static str,
}

/// The rules, as constants named like their ids.
macro_rules! rules {
    ($($name:ident $part:ident $owasp:literal $title:literal : $remedy:literal)+) => {
        $(pub(crate) const $name: &Rule = &Rule {
            id: stringify!($name),
            title: $title,
            part: Part::$part,
            owasp: $owasp,
            remedy: $remedy,
        };)+
        #[cfg(test)]
        const ALL: &[&Rule] = &[$($name),+];
    };
}

rules! {
    AUTH_ADMIN_OPEN Authentication "API5" "Administration without credentials":
        "Require credentials and an administrator's role; keep the path off public networks."
    AUTH_INCONSISTENT Authentication "API2" "Answers without credentials, though most callers send some":
        "Find the path that skips the check (a second route, a cached answer, a method) and refuse it with 401."
    AUTH_NONE Authentication "API2" "No caller ever needed credentials":
        "Decide whether it is meant to be public; if not, require credentials and refuse the rest with 401."
    AUTH_MIXED Authentication "API2" "Several kinds of credentials are accepted":
        "Settle on one scheme; each further one is a way in that has to be kept safe."
    API_KEY_ONLY Authentication "API2" "An API key is the only proof of who calls":
        "Use keys to count and limit clients; prove users with short-lived tokens."
    JWT_UNSIGNED Authentication "API2" "Unsigned tokens are accepted":
        "Pin the algorithms that are accepted; refuse `none` and tokens without a signature (RFC 8725)."
    JWT_EXPIRED Authentication "API2" "Expired tokens are accepted":
        "Check `exp` on every request, with a leeway of at most a few minutes."
    JWT_ENDLESS Authentication "API2" "Tokens never expire":
        "Issue tokens with `exp`, minutes to hours ahead, and refuse those without."
    JWT_LONG_LIVED Authentication "API2" "Tokens live for more than 30 days":
        "Shorten the life of access tokens; renew them with refresh tokens that can be revoked."
    JWT_WEAK_ALGORITHM Authentication "API2" "Tokens with a weak or unknown algorithm are accepted":
        "Accept only registered algorithms that are not deprecated (RFC 8725, section 3.2)."
    JWT_NAMES_ITS_KEY Authentication "API2" "Tokens say where their key is fetched":
        "Ignore `jku`, `x5u` and `jwk`; take keys from the issuer that is configured."
    CREDENTIAL_IN_URL Authentication "API2" "Credentials in the URL":
        "Send them in a header: URLs end up in logs, histories and Referer fields."
    SECRET_IN_QUERY Authentication "API2" "Passwords or secrets as query parameters":
        "Take them in the request body, over TLS."
    BASIC_PLAINTEXT Authentication "API2" "Basic authentication without TLS":
        "Serve it over TLS only, or use tokens; the password can be read by anyone on the way."
    LOGIN_PLAINTEXT Authentication "API2" "Passwords cross this link unencrypted":
        "End TLS at the service, or encrypt the way from the proxy to it."
    SECOND_FACTOR_MISSING Authentication "API2" "No second factor was seen after the login":
        "Offer and require a second factor, at least for privileged accounts."
    COOKIE_NOT_SECURE Misconfiguration "API8" "Session cookies without Secure":
        "Set `Secure`, so that browsers never send them in the clear."
    COOKIE_NOT_HTTP_ONLY Misconfiguration "API8" "Session cookies that scripts can read":
        "Set `HttpOnly`, so that injected script cannot take them."
    COOKIE_NOT_SAME_SITE Misconfiguration "API8" "Session cookies that other sites can use":
        "Set `SameSite=Lax` or `Strict` against cross-site request forgery."
    NO_SNIFF_MISSING Misconfiguration "API8" "X-Content-Type-Options is missing":
        "Send `X-Content-Type-Options: nosniff` with every answer."
    CSP_MISSING Misconfiguration "API8" "Pages without Content-Security-Policy":
        "Send a policy that allows the page's own scripts only."
    FRAMING_ALLOWED Misconfiguration "API8" "Pages that any site may frame":
        "Send `frame-ancestors 'none'` or `X-Frame-Options: DENY`."
    HSTS_MISSING Misconfiguration "API8" "Strict-Transport-Security is missing behind TLS":
        "Send it with a max-age of a year or more."
    PRIVATE_CACHEABLE Misconfiguration "API8" "Private answers that shared caches may keep":
        "Send `Cache-Control: no-store` or `private` with answers to known callers."
    CORS_REFLECTS Misconfiguration "API8" "Any origin that asks may read the answers":
        "Compare the origin with a list; never send it back unchecked, least of all with credentials."
    CORS_NULL Misconfiguration "API8" "The origin `null` may read the answers":
        "Never allow `null`: sandboxed frames and local files have it."
    CORS_ANY Misconfiguration "API8" "Every origin may read answers to known callers":
        "Name the origins that need it instead of `*`."
    VERSION_SHOWN Misconfiguration "API8" "Answers tell which software made them, and its version":
        "Turn the version off (`server_tokens off`, `ServerTokens Prod`, `expose_php=0`)."
    SOFTWARE_WEAK Misconfiguration "API8" "Software with known weaknesses, by its own account":
        "Update it; until then keep it from networks that need not reach it."
    STACK_TRACE Misconfiguration "API8" "Errors tell the program's calls":
        "Answer errors with a code and an id; keep traces in the log."
    DATABASE_ERROR Misconfiguration "API8" "Errors tell what the database said":
        "Catch database errors, use parameters in statements, and test the inputs for injection."
    DEBUG_PAGE Misconfiguration "API8" "The framework runs in debug mode":
        "Turn debug mode off in production: such pages often run code."
    DIRECTORY_LISTING Misconfiguration "API8" "Folders are listed":
        "Turn automatic indexes off."
    SECRET_FILE Misconfiguration "API8" "A private key or a settings file is served":
        "Take it away, and change every secret in it."
    API_DESCRIPTION Misconfiguration "API9" "The description of the API is public":
        "Fine for a public API; otherwise serve it to known callers only."
    GRAPHQL_INTROSPECTION Misconfiguration "API8" "GraphQL tells its whole schema":
        "Turn introspection off outside of development."
    TRACE_ANSWERED Misconfiguration "API8" "TRACE, TRACK or DEBUG is answered":
        "Turn the method off (`TraceEnable off`)."
    METHOD_ODD Misconfiguration "API8" "A method that APIs seldom need is answered":
        "Turn it off unless something needs it (WebDAV)."
    DEBUG_REACHABLE Misconfiguration "API9" "A debug or operations endpoint is reachable":
        "Serve it on another port that only operators reach."
    ADMIN_REACHABLE Misconfiguration "API5" "An administration endpoint is reachable":
        "Keep it on a network of its own, behind roles and a second factor."
    OLD_VERSION Misconfiguration "API9" "An old version still answers beside a newer one":
        "Plan its end: announce it, watch who calls it, then turn it off."
    CERTIFICATE_EXPIRED Misconfiguration "API8" "An expired certificate is in use":
        "Renew it now, and let a program renew it from then on: clients that accept it check nothing."
    CERTIFICATE_EXPIRES Misconfiguration "API8" "A certificate expires soon":
        "Renew it, and find out why that did not happen by itself."
    CERTIFICATE_NOT_YET_VALID Misconfiguration "API8" "A certificate is in use before it is valid":
        "Set the clock of whoever issued it, or show it from the day on which it begins."
    CERTIFICATE_SELF_SIGNED Misconfiguration "API8" "A certificate vouches for itself":
        "Have it issued by an authority that the clients trust, be it your own; else they cannot tell the server from anybody in between."
    CERTIFICATE_NAME Misconfiguration "API8" "A certificate is for other names than the one asked for":
        "Put the name among the certificate's DNS names, or correct the name by which clients ask."
    CERTIFICATE_WEAK_KEY Misconfiguration "API8" "A certificate's key is too short":
        "Make a new key (RSA with 2048 bits or more, or P-256), and a certificate for it."
    CERTIFICATE_WEAK_SIGNATURE Misconfiguration "API8" "A certificate is signed over a broken digest":
        "Have it issued anew with SHA-256 or better: others can be forged to the same signature."
    TLS_VERSION_OLD Misconfiguration "API8" "An old version of TLS is spoken":
        "Turn off everything before TLS 1.2 (RFC 8996), and update the clients that still need it."
    TLS_CIPHER_WEAK Misconfiguration "API8" "A weak cipher suite is agreed on":
        "Leave only suites with AEAD and forward secrecy (RFC 9325, section 4.2)."
    DATA_OPEN Data "API3" "Sensitive data without credentials":
        "Require credentials, and return only the fields that the caller needs."
    SECRET_RETURNED Data "API3" "Passwords or secrets in answers":
        "Never return them; return an id or a masked form."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_what_to_do_and_the_parts_are_a_hundred() {
        for rule in ALL {
            assert!(rule.remedy.ends_with('.') && rule.owasp.starts_with("API"), "{}", rule.id);
        }
        let parts = [
            Part::Authentication,
            Part::Data,
            Part::Function,
            Part::Misconfiguration,
            Part::Exposure,
            Part::Document,
            Part::Activity,
        ];
        assert_eq!(parts.map(Part::points_max).iter().sum::<u32>(), 100);
    }
}
