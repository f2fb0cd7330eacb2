//! Reports as one HTML file: the tables, and the plots drawn into it.

use super::table::escape;
use super::{NamedPlot, Report, tables, terms};

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:15px/1.5 Inter,'Helvetica Neue',Arial,sans-serif;\
color:light-dark(#1f2328,#e6edf3);background:light-dark(#fff,#0d1117);\
max-width:1080px;margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}\
ul{padding-left:1.2rem}p{color:light-dark(#59636e,#9ba5b0);max-width:75ch}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
th,td{padding:.25rem .7rem;border-bottom:1px solid light-dark(#e4e8ec,#30363d);text-align:left;white-space:nowrap}\
th{font-weight:600}.n{text-align:right}.wide{overflow-x:auto}\
section{margin-top:4rem}section table{display:block;overflow-x:auto}p:has(svg){max-width:none}pre{overflow-x:auto}\
svg{max-width:100%;height:auto}code{font-size:.88em;overflow-wrap:anywhere}\
.plot{display:block;overflow-x:auto}.paper{color:light-dark(#59636e,#9ba5b0)}\
@media screen and (max-width:700px){.plot svg{max-width:none}}\
@media print{:root{color-scheme:light}h2,h3,h4{break-after:avoid}svg,.plot,tr{break-inside:avoid}\
.wide,section table{overflow:visible}table{font-size:.8rem}th,td{padding:.15rem .35rem;white-space:normal}}";

/// A page around a body of HTML, with the style of all our reports; the title is text.
pub fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// The whole page; it refers to no other file.
pub(super) fn page(report: &Report, plots: &[NamedPlot]) -> String {
    let title = report.title();
    let mut out = format!("<h1>{}</h1>\n<ul>\n", escape(&title));
    for line in tables::introduction(report) {
        out += &format!("<li>{}</li>\n", escape(&line));
    }
    out += &format!(
        "<li>sha256 <code>{}</code></li>\n</ul>\n",
        report.model.sha256
    );
    for table in tables::all(&report.figures) {
        out += &table.html();
    }
    for NamedPlot { caption, plot, .. } in plots {
        out += &format!(
            "<h2>{}</h2>\n<div class=\"plot\" tabindex=\"0\">\n{}</div>\n",
            escape(caption),
            plot.svg()
        );
    }
    out += "<h2>What the words mean</h2>\n<ul>\n";
    for line in terms::of(&report.figures) {
        out += &format!("<li>{}</li>\n", escape(&line));
    }
    out += "</ul>\n";
    out += &format!(
        "<h2>How this was made</h2>\n<p>In {:.0} s with Normgate {} on ONNX Runtime {}, by</p>\n\
         <p><code>{}</code></p>\n",
        report.seconds,
        escape(&report.normgate),
        escape(&report.onnxruntime),
        escape(&report.command),
    );
    document(&title, &out)
}
