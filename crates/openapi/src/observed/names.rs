//! Names for operations that code can be made of.

use std::collections::{BTreeMap, HashMap};

use tapline_model::{EndpointId, EndpointView};

/// A name for every endpoint, such as `getUsersByUserId`. Where two would be alike, both have their
/// endpoint's id at the end, so that a name depends on nothing but such twins.
pub(super) fn operation_ids(endpoints: &[&EndpointView]) -> BTreeMap<EndpointId, String> {
    let names: Vec<_> =
        endpoints.iter().map(|endpoint| name(&endpoint.method, &endpoint.template)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in &names {
        *counts.entry(name).or_default() += 1;
    }
    let own = |(endpoint, name): (&&EndpointView, &String)| {
        let is_unique = counts.get(name.as_str()) == Some(&1);
        let name = if is_unique { name.clone() } else { format!("{name}_{}", endpoint.id) };
        (endpoint.id, name)
    };
    endpoints.iter().zip(&names).map(own).collect()
}

fn name(method: &str, template: &str) -> String {
    let mut name = method.to_ascii_lowercase();
    for segment in template.split('/').filter(|segment| !segment.is_empty()) {
        if segment.contains('{') {
            name.push_str("By");
        }
        for word in segment.split(|c: char| !c.is_ascii_alphanumeric()) {
            let mut letters = word.chars();
            name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_done_to_what() {
        assert_eq!(name("GET", "/users/{userId}/orders-open"), "getUsersByUserIdOrdersOpen");
        assert_eq!(name("DELETE", "/"), "delete");
    }
}
