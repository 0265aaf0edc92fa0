import { defineLanguageFacet, HighlightStyle, Language, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { tags } from "@lezer/highlight";
import { parser, Strikethrough, Table, TaskList } from "@lezer/markdown";

/** Only what a text to be read needs: the usual language package brings editors of HTML, CSS and JavaScript along. */
const language = new Language(
  defineLanguageFacet(),
  parser.configure([Table, TaskList, Strikethrough]),
  [],
  "markdown",
);

/** Classes instead of colours: the style sheet knows dark from light. */
const look = HighlightStyle.define([
  { tag: tags.heading1, class: "md-heading md-heading1" },
  { tag: [tags.heading2, tags.heading3, tags.heading4, tags.heading5, tags.heading6], class: "md-heading" },
  { tag: tags.strong, class: "md-strong" },
  { tag: tags.emphasis, class: "md-emphasis" },
  { tag: tags.strikethrough, class: "md-strikethrough" },
  { tag: [tags.link, tags.url], class: "md-link" },
  { tag: tags.monospace, class: "md-code" },
  { tag: tags.quote, class: "md-quote" },
  { tag: [tags.processingInstruction, tags.contentSeparator, tags.labelName], class: "md-mark" },
]);

export const markdown: Extension = [language, syntaxHighlighting(look)];
