//! Words that APIs use beside values: `/users/me`, `/orders/search`.

/// In order.
const ACTIONS: &[&str] = &[
    "_search",
    "actuator",
    "all",
    "authorize",
    "batch",
    "bulk",
    "callback",
    "config",
    "count",
    "current",
    "default",
    "docs",
    "export",
    "health",
    "healthz",
    "import",
    "info",
    "latest",
    "list",
    "login",
    "logout",
    "lookup",
    "me",
    "metadata",
    "metrics",
    "mine",
    "new",
    "openapi.json",
    "ping",
    "preview",
    "query",
    "ready",
    "refresh",
    "register",
    "schema",
    "search",
    "self",
    "settings",
    "signin",
    "signout",
    "signup",
    "stats",
    "status",
    "summary",
    "swagger.json",
    "token",
    "upload",
    "validate",
    "verify",
    "version",
];

/// Whether a text names an action or a fixed resource almost everywhere.
pub(super) fn names_an_action(text: &str) -> bool {
    ACTIONS.binary_search(&text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_in_order() {
        assert!(ACTIONS.is_sorted());
        assert!(names_an_action("me") && !names_an_action("alice"));
    }
}
