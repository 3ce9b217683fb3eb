//! The map of data as SVG: plain markup with classes, no script, no style attribute.

use std::fmt::Write;

use crate::flow::{FlowEdge, FlowMap, FlowNode};
use crate::number::counted;
use crate::text::escaped;

const ROW: usize = 34;
const TOP: usize = 30;
const WIDTH: usize = 960;
/// Where each column begins, and how wide its boxes are.
const COLUMNS: [(usize, usize); 3] = [(0, 250), (360, 260), (730, 230)];
/// Characters of a name in a box.
const NAME_CHARS: usize = 34;

/// The map; empty when there is nothing to draw.
pub(crate) fn map(flows: &FlowMap) -> String {
    let columns = [&flows.groups, &flows.hosts, &flows.data];
    let rows = columns.iter().map(|nodes| nodes.len()).max().unwrap_or(0);
    if flows.hosts.is_empty() {
        return String::new();
    }
    let height = TOP + rows * ROW + 4;
    let mut out = format!(
        "<svg class=\"flows\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Callers, hosts and kinds of data\">"
    );
    for ((x, _), title) in COLUMNS.iter().zip(["Callers", "Hosts", "Data"]) {
        write!(out, "<text class=\"head\" x=\"{x}\" y=\"14\">{title}</text>").unwrap_or_default();
    }
    let place = |column: usize, at: usize| {
        let nodes = columns.get(column).map_or(0, |nodes| nodes.len());
        TOP + (rows - nodes) * ROW / 2 + at * ROW
    };
    for (edges, left) in [(&flows.calls, 0), (&flows.carries, 1)] {
        let most = edges.iter().map(|edge| edge.weight).max().unwrap_or(1).max(1);
        for edge in edges {
            draw_edge(&mut out, edge, left, most, &place);
        }
    }
    for (column, nodes) in columns.iter().enumerate() {
        for (at, node) in nodes.iter().enumerate() {
            draw_node(&mut out, node, column, place(column, at));
        }
    }
    out.push_str("</svg>");
    out
}

fn draw_edge(
    out: &mut String,
    edge: &FlowEdge,
    left: usize,
    most: u64,
    place: &impl Fn(usize, usize) -> usize,
) {
    let (Some(&(from_x, from_width)), Some(&(to_x, _))) =
        (COLUMNS.get(left), COLUMNS.get(left + 1))
    else {
        return;
    };
    let (x1, x2) = (from_x + from_width, to_x);
    let middle = usize::midpoint(x1, x2);
    let (y1, y2) = (place(left, edge.from) + 13, place(left + 1, edge.to) + 13);
    // Square roots keep the small ones visible beside the large.
    let width = 1 + 8 * edge.weight.isqrt() / most.isqrt().max(1);
    let tone = if edge.answers { "edge out" } else { "edge" };
    write!(
        out,
        "<path class=\"{tone}\" stroke-width=\"{width}\" d=\"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}\"/>"
    )
    .unwrap_or_default();
}

fn draw_node(out: &mut String, node: &FlowNode, column: usize, y: usize) {
    let Some(&(x, width)) = COLUMNS.get(column) else { return };
    let size = counted(node.size, if column == 0 { "caller" } else { "endpoint" });
    let mut name: String = node.name.chars().take(NAME_CHARS).collect();
    if name.len() < node.name.len() {
        name.push('…');
    }
    write!(
        out,
        "<g><title>{}: {size}</title><rect class=\"node\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"26\" rx=\"5\"/>\
         <text x=\"{}\" y=\"{}\">{}</text><text class=\"count\" x=\"{}\" y=\"{}\">{}</text></g>",
        escaped(&node.name),
        x + 9,
        y + 17,
        escaped(&name),
        x + width - 9,
        y + 17,
        node.size
    )
    .unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_text_and_nothing_is_drawn_of_nothing() {
        assert_eq!(map(&FlowMap::default()), "");
        let node = |name: &str| FlowNode { name: name.to_owned(), size: 1 };
        let flows = FlowMap {
            groups: vec![node("a")],
            hosts: vec![node("<script>\"'"), node(&"x".repeat(99))],
            data: vec![node("payment")],
            calls: vec![FlowEdge { from: 0, to: 1, weight: u64::MAX, answers: false }],
            carries: vec![FlowEdge { from: 0, to: 0, weight: 0, answers: true }],
        };
        let drawn = map(&flows);
        assert!(drawn.contains("&lt;script&gt;&quot;&#39;") && !drawn.contains("<script"));
        assert!(!drawn.contains("style="));
    }
}
