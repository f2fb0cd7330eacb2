//! All pages as one HTML file, which includes the plots.

use normgate_evaluation::reports::html;
use normgate_evaluation::reports::table::escape;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::page::{IN_THE_PAPER, Page};

/// One HTML document of these pages, in their order; it links to no other files than the runs'.
pub fn document(pages: &[Page]) -> String {
    let names: Vec<_> = pages.iter().map(|page| page.id).collect();
    let title = format!("Reproduced: {}", names.join(", "));
    let mut body = format!("<h1>{title}</h1>\n<ul>\n");
    for Page { id, title, .. } in pages {
        body += &format!("<li><a href=\"#{id}\">{}</a></li>\n", escape(title));
    }
    body += "</ul>\n<p><code>normgate-train reproduce --tables-only</code> makes this page from \
             all finished runs.</p>\n";
    for page in pages {
        body += &format!(
            "<section id=\"{}\">\n{}</section>\n",
            page.id,
            section(page)
        );
    }
    html::document(&title, &body)
}

fn section(page: &Page) -> String {
    let mut is_caption = false;
    let events = Parser::new_ext(&page.text, Options::ENABLE_TABLES);
    let events = events.filter_map(|mut event| match &mut event {
        Event::Start(Tag::Image { dest_url, .. }) => {
            is_caption = true;
            let mut pictures = page.pictures.iter();
            let (_, picture) = pictures.find(|(file, _)| **file == **dest_url)?;
            let plot = format!("<span class=\"plot\" tabindex=\"0\">{picture}</span>");
            Some(Event::InlineHtml(plot.into()))
        }
        Event::End(TagEnd::Image) => {
            is_caption = false;
            None
        }
        _ if is_caption => None,
        // A page's title is that of a section here, so all headings move down a level.
        Event::Start(Tag::Heading { level, .. }) | Event::End(TagEnd::Heading(level)) => {
            *level = HeadingLevel::try_from(*level as usize + 1).unwrap_or(*level);
            Some(event)
        }
        // A record may come from anybody; our own links only lead to files beside the page.
        Event::Start(Tag::Link { dest_url, .. }) if dest_url.contains(':') => {
            *dest_url = "".into();
            Some(event)
        }
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text.clone())),
        _ => Some(event),
    });
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events);
    // Text is escaped by now, so these are our tables' own tags.
    out.replace("<th></th>", "<td></td>").replace(
        &format!("<tr><td>{IN_THE_PAPER}</td>"),
        &format!("<tr class=\"paper\"><td>{IN_THE_PAPER}</td>"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_place_in_the_list_its_pictures_drawn_in_and_its_headings_below_the_title() {
        let page = Page {
            id: "t4",
            title: "Training & score",
            text: "# Training & score\n\n| a | b |\n|---|---:|\n| c<d | 1 |\n| … in the paper | 2 |\n\n\
                   ![what & how](t4.svg)\n\n<b>on</b> [a](javascript:b) [machine](runs/)\n"
                .into(),
            pictures: vec![("t4.svg".into(), "<svg>4</svg>\n".into())],
        };
        let html = document(&[page]);
        for part in [
            "<li><a href=\"#t4\">Training &amp; score</a></li>",
            "<section id=\"t4\">\n<h2>Training &amp; score</h2>",
            "<td>c&lt;d</td><td style=\"text-align: right\">1</td>",
            "<tr class=\"paper\"><td>… in the paper</td>",
            "<p><span class=\"plot\" tabindex=\"0\"><svg>4</svg>\n</span></p>",
            "<h1>Reproduced: t4</h1>",
            "&lt;b&gt;on&lt;/b&gt; <a href=\"\">a</a> <a href=\"runs/\">machine</a>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("what &amp; how") && !html.contains("<img"));
    }
}
