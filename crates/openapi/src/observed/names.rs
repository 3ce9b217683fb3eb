//! Names for operations that code can be made of.

use std::collections::{BTreeMap, HashMap};

use tapline_model::{EndpointId, EndpointView};

/// A name for every endpoint, such as `getUsersByUserId`, or the one that operators gave. Where two would be alike, both have their
/// endpoint's id at the end, so that a name depends on nothing but such twins.
pub(super) fn operation_ids(endpoints: &[&EndpointView]) -> BTreeMap<EndpointId, String> {
    let names =
        endpoints.iter().map(|endpoint| given(endpoint).unwrap_or_else(|| derived(endpoint)));
    let names: Vec<String> = names.collect();
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

/// What operators call it, if code can be made of that.
fn given(endpoint: &EndpointView) -> Option<String> {
    let is_name = |name: &&String| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    endpoint.labels.name.as_ref().filter(is_name).cloned()
}

fn derived(endpoint: &EndpointView) -> String {
    name(&endpoint.method, &endpoint.template)
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
