//! What all pages have: a head, the way around, a foot.

use url::form_urlencoded::Serializer;

use super::script;
use crate::cli::render::markup::Markup;
use crate::verdict::text::clean;

/// The look of reports, and what the pages around them add.
pub(super) const STYLE: &str = concat!(include_str!("../../cli/render/report.css"), include_str!("page.css"));

/// Pages that every page links to.
const PAGES: [(&str, &str); 1] = [("/", "Reports")];

/// A page; `here` is the one of [`PAGES`] that it is. The script asks for it again each minute: it may cost a question about
/// each namespace, or to a large history.
pub(super) fn page(title: &str, here: Option<&str>, content: impl FnOnce(&mut Markup)) -> String {
    page_of(title, here, "60", content)
}

/// A page that is asked for again after so many seconds.
pub(super) fn page_of(
    title: &str,
    here: Option<&str>,
    seconds: &'static str,
    content: impl FnOnce(&mut Markup),
) -> String {
    let mut out = Markup::with_script(&format!("{title} - testrun"), STYLE, Some(&script::ADDRESS));
    out.raw("<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n");
    out.raw("<header class=\"site\"><nav aria-label=\"Site\"><strong>testrun</strong>\n<ul>");
    for (address, name) in PAGES {
        out.raw("<li>");
        let current: &[_] = if here == Some(address) { &[("aria-current", "page")] } else { &[] };
        out.open("a", &[&[("href", address)], current].concat());
        out.text(name);
        out.raw("</a></li>");
    }
    out.raw("</ul></nav></header>\n");
    out.open("main", &[("id", "main"), ("tabindex", "-1"), ("data-refresh", seconds)]);
    out.raw("\n");
    content(&mut out);
    out.raw("</main>\n</body>\n</html>\n");
    out.finish()
}

/// `Repository acme/shop in namespace ci, branch main`.
pub(super) fn place(namespace: &str, repository: &str, branch: &str) -> String {
    let repository = match repository {
        "" => "All repositories".to_owned(),
        name => format!("Repository {}", clean(name, 140)),
    };
    let branch = match branch {
        "" => String::new(),
        name => format!(", branch {}", clean(name, 255)),
    };
    format!("{repository} in namespace {namespace}{branch}")
}

/// An address within the site; what is empty is left out.
pub(super) fn address(path: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = Serializer::new(String::new());
    pairs.extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
    match pairs.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
