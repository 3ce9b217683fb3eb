//! What an injected statement looks like, as patterns over the letters of its tokens.
//!
//! `Q` a short literal that was open and `q` a long one, `s` literal, `1` number, `n` name, `v` `V`
//! variable, `f` function, `d` a function or table that only attackers ask for, `g` any call,
//! `&` and/or, `=` comparison, `+` arithmetic, `!` negation, `i` in/is, `~` between, `c` comment;
//! capital letters are statements and clauses (`words.rs`).

use std::sync::LazyLock;

use regex::bytes::RegexSet;

/// A pattern, and how plain it makes an injection.
type Rule = (&'static str, u8);

/// Together they are the grammar.
const RULES: &[Rule] = &[
    // A literal is ended, and a condition follows that is decided by constants.
    (r"Q\)*&[!+(]*[1svVfd][)]*[=i~]", 7),
    (r"Q\)*&[!+(]*[1sv]\)*(c|$|&|;)", 6),
    (r"Q\)*&[!+(]*(n|g\([^()]*\))\)*[=i~]!?[(]*[1svfdc]", 6),
    (r"Q\)*&[!+(]*[fdgS]\(", 6),
    (r"Q\)*&[!+(]*[SK]", 6),
    (r"Q\)*&[^c]*c$", 5),
    // The same without a quote: behind a number, or after brackets are closed.
    (r"^[+]?[1n]\)*&[!+(]*[1sv]\)*[=i~]!?[(+]*[1svfdn]", 6),
    (r"^[+]?[1n]?\)+&[!+(]*[1svfdgn]\)*[=i~(]", 6),
    (r"^[+]?1\)*&[!+(]*[fd]\(.*\)\)*[=i~+]", 6),
    (r"^[+]?1\)*&[!+(]*[fd]\(.*\)\)*(c|$)", 6),
    (r"^[+]?1\)*&[!+(]*n\)*[=]!?[(+]*[1sfdn]\)*(c|$|&|;)", 6),
    (r"^[+]?1\)*&[!+(]*[1sv]\)*(c|$)", 4),
    (r"[1)]\)*&[!+(]*1\)*=[(+]*1", 5),
    (r"^&[!+(]*[1s]\)*=[(+]*[1s]", 6),
    (r"&[!+(]*s=s", 5),
    // A second answer.
    (r"U[a(]*S[a(]*([1svVdfK*(]|n,|nF|g\(|nc)", 7),
    (r"[Q1)c;]U[a(]*S", 7),
    (r"Q\)*U", 5),
    // An inner statement.
    (r"[(+,]Sa?[(]*([1svVdfK*]|nF|n,)", 6),
    (r"\([(]S[(]", 6),
    (r"[Q1]\)*[+=,&(]+\(S", 7),
    (r"Q\)*[+]+\(?[(]*[SKfd]", 6),
    // A second statement.
    (r";[(]*S[a(]*([1svVdfK*(]|nF|n,|n\()", 6),
    (r";(IN|IRN|DFn|PnTn|X[tn&]*tn|RNn|Wm)", 6),
    (r";E[ntvV(,]*[vsd(]", 6),
    (r"^[1nQs)]*;Ec", 5),
    (r"[Q1)];[f]\(", 6),
    (r"[Q)]\)*;[SIDPXEW]", 6),
    (r"Q\)*;?E[vnds]", 5),
    (r"[Q1)]\)*;?Wm[s1]", 7),
    // A whole statement.
    (r"^S[a(]*([*]|[^F]*,[^F]*|[fd]\([^F]*)F[n(d`]", 6),
    (r"^S[a(]*[n.,*1]+Fn(wn|L1|;|c|U|O)", 6),
    (r"S[a(]*[^F]+N?F[^w]*w[n(]+=[1svn]", 6),
    (r"^(INn|DFn|PnTn=|Xt[!n]*n)", 4),
    (r"^(INn(\(.*\))?r\(|INn(\(.*\))?S|DFnwn?[=1]|PnTn=[1s]|Xtn[;c])", 6),
    (r"S.*F.*d", 7),
    (r"Su|Nu[s(]", 7),
    // Choices.
    (r"Kk?[^h]+h.+e", 6),
    (r"K[^k]{0,10}k[(]*[1s(Q]", 6),
    // Functions that wait, read or fail on purpose.
    (r"[&Q]\(*!?\(*d\(|[;Q1]\(*d\([+(]*[1sSvf]+\)|^[fd]\(.*d\(", 6),
    (r"[=(+,]\(?d\([+(]*[1sSvf~]", 5),
    (r"^[fd]\([+(]*1[=]1[,)]", 6),
    (r"^\(1=1\)\+?[*]?1", 6),
    (r"[;Q1)]E[n.]*[n(]\.?(d|n)?\([1s]*\);?(e|c|$)|;En.*;e", 6),
    (r"d\([+(]*[1sSvf]", 5),
    (r"S[^S]*d[^n]|d[^n]*S|Q[^nQ]*d[(.]|dc|Fd", 6),
    (r"E[nv]*d|^E?d[s(]", 5),
    (r"t+d\(|tn\(d\(", 7),
    (r"^V", 4),
    (r"S.*V|[=(,&+]V", 7),
    // Order and groups, to count columns.
    (r"[Q1)]\)*[OH]y?[1(]", 6),
    (r"Q\)*[OHL]", 5),
    (r"^1Oy1(,1)*(c|$)", 6),
    // A literal is ended and the rest is cut off, or goes on.
    (r"Q\)*;?c[c+]*$", 5),
    (r"^[n1]?\)+c", 5),
    (r"Q\)*[=~]!?\(*[1sfdQ]", 5),
    (r"Q\)*(i!?|!?[i=])\(*[1sS]", 5),
    (r"Q\)*[+]+\(*[sfdv]", 5),
    (r"Q\)*[w][1n(]*=", 6),
    (r"^1\)*w[1n(]+=", 6),
    (r"Q\)*in(n)?\)", 5),
    (r"Q\)+,?\(*S", 5),
    (r"f\(.*\+\+?f\(.*=", 5),
    (r"f\([^()]*\)[&+]+f\([^()]*\)[&+]+f\(", 6),
    (r"^[+1]*,?[fd]\([+(]*S", 6),
    (r"^f\([1nfs(]*=[1nfs()]*,", 5),
    (r"f\([1fd()]+=[1fd()]+,.*\)", 6),
    (r"E[v]n|Ev|[;]Tv=", 6),
];

/// Compiled once.
static COMPILED: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    let patterns = RULES.iter().map(|(pattern, _)| format!("(?-u){pattern}"));
    let compiled = RegexSet::new(patterns);
    debug_assert!(compiled.is_ok(), "the patterns are constants");
    compiled.ok()
});

/// The most that any rule gives.
pub(super) fn score(tokens: &[u8]) -> u8 {
    let Some(rules) = &*COMPILED else { return 0 };
    let matched = rules.matches(tokens);
    matched.iter().filter_map(|rule| RULES.get(rule)).map(|(_, score)| *score).max().unwrap_or(0)
}
