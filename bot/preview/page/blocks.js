// Block Kit and mrkdwn as DOM nodes. Text from outside only ever becomes text nodes: nothing here
// builds HTML from strings.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  const absent = [null, undefined, false];
  node.append(...children.flat(Infinity).filter((child) => !absent.includes(child)));
  return node;
}

// Only these leave the page; everything else (javascript:, data:) stays plain text.
export function link(href, ...children) {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return el("span", {}, ...children);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const unescape = (text) => text.replace(/&(lt|gt|amp);/g, (entity) => ENTITIES[entity]);

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", fire: "🔥", eyes: "👀",
  rotating_light: "🚨", red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  large_green_circle: "🟢", large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫",
  bell: "🔔", no_bell: "🔕", hourglass: "⌛", hourglass_flowing_sand: "⏳", clock1: "🕐",
  memo: "📝", mag: "🔍", chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉",
  thread: "🧵", speech_balloon: "💬", link: "🔗", lock: "🔒", tada: "🎉", wave: "👋",
  information_source: "ℹ️", question: "❓", exclamation: "❗", arrow_up: "⬆️", arrow_down: "⬇️",
  arrow_right: "➡️", small_red_triangle: "🔺", zzz: "💤", ok: "🆗", pushpin: "📌", books: "📚",
};
const emojis = (text) => text.replace(/:([a-z0-9_+-]+):/g, (all, name) => EMOJI[name] ?? all);

// ------------------------------------------------------------------------------------- times
export function clock(seconds, zone, options) {
  const base = { timeZone: zone, hourCycle: "h23" };
  return new Intl.DateTimeFormat("en-GB", { ...base, ...options }).format(new Date(seconds * 1000));
}

const dayOf = (seconds, zone) =>
  clock(seconds, zone, { year: "numeric", month: "2-digit", day: "2-digit" });

export function dayName(seconds, world) {
  const day = dayOf(seconds, world.zone);
  if (day === dayOf(world.now, world.zone)) return "Today";
  if (day === dayOf(world.now - 86400, world.zone)) return "Yesterday";
  return clock(seconds, world.zone, { weekday: "long", day: "numeric", month: "long" });
}

function slackDate(seconds, format, world) {
  const show = (options) => clock(seconds, world.zone, options);
  const time = { hour: "2-digit", minute: "2-digit" };
  const long = { day: "numeric", month: "long", year: "numeric" };
  const pretty = (options) => {
    const day = dayName(seconds, world);
    return day === "Today" || day === "Yesterday" ? day.toLowerCase() : show(options);
  };
  const parts = {
    date_num: () => show({ year: "numeric", month: "2-digit", day: "2-digit" })
      .split("/").reverse().join("-"),
    date: () => show(long),
    date_short: () => show({ ...long, month: "short" }),
    date_long: () => show({ ...long, weekday: "long" }),
    date_pretty: () => pretty(long),
    date_short_pretty: () => pretty({ ...long, month: "short" }),
    date_long_pretty: () => pretty({ ...long, weekday: "long" }),
    time: () => show(time),
    time_secs: () => show({ ...time, second: "2-digit" }),
    ago: () => ago(seconds, world.now),
    day_divider_pretty: () => dayName(seconds, world),
  };
  return format.replace(/\{(\w+)\}/g, (all, name) => (parts[name] ? parts[name]() : all));
}

export function ago(seconds, now) {
  const passed = Math.max(0, now - seconds);
  if (passed < 60) return "just now";
  if (passed < 3600) return `${Math.floor(passed / 60)} min ago`;
  if (passed < 86400) return `${Math.floor(passed / 3600)} h ago`;
  return `${Math.floor(passed / 86400)} d ago`;
}

const dateNode = (seconds, format, fallback, world) =>
  el("time", {
    datetime: new Date(seconds * 1000).toISOString(),
    title: `${fallback} (${world.zone})`,
  }, slackDate(seconds, format, world));

// ---------------------------------------------------------------------------------- mentions
const badge = (text, mine) => el("span", { class: mine ? "mention mine" : "mention" }, text);

function userBadge(id, world, label) {
  const person = world.users.find((user) => user.id === id);
  const name = person?.name ?? (id === world.bot.id ? world.bot.name : label ?? id);
  return badge(`@${name}`, id === world.me);
}

// ------------------------------------------------------------------------------------ mrkdwn
export function mrkdwn(text, world, { verbatim = false } = {}) {
  const nodes = [];
  for (const part of String(text).split(/(```[\s\S]+?```)/)) {
    if (part.startsWith("```") && part.length > 6) {
      nodes.push(el("pre", {}, unescape(part.slice(3, -3).replace(/^\n/, ""))));
    } else {
      nodes.push(...quotes(part, world, verbatim));
    }
  }
  return nodes;
}

function quotes(text, world, verbatim) {
  const nodes = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length) nodes.push(el("blockquote", {}, lines(quoted, world, verbatim)));
    quoted = [];
  };
  let plain = [];
  const spill = () => {
    if (plain.length) nodes.push(...lines(plain, world, verbatim));
    plain = [];
  };
  for (const line of text.split("\n")) {
    const mark = /^(?:&gt;|>)\s?/.exec(line);
    if (mark) {
      spill();
      quoted.push(line.slice(mark[0].length));
    } else {
      flush();
      plain.push(line);
    }
  }
  flush();
  spill();
  return nodes;
}

const lines = (rows, world, verbatim) =>
  rows.flatMap((row, index) => [
    ...(index ? [el("br")] : []),
    ...inline(row, world, verbatim),
  ]);

const STYLES = [
  [/(^|[\s([{"'“‘—–\-/>|·])`([^`\n]+)`/, (inner) => el("code", {}, unescape(inner))],
  [/(^|[^\p{L}\p{N}*])\*(\S(?:[^*\n]*?\S)?)\*(?![\p{L}\p{N}*])/u, "strong"],
  [/(^|[^\p{L}\p{N}_])_(\S(?:[^_\n]*?\S)?)_(?![\p{L}\p{N}_])/u, "em"],
  [/(^|[^\p{L}\p{N}~])~(\S(?:[^~\n]*?\S)?)~(?![\p{L}\p{N}~])/u, "s"],
];

function inline(text, world, verbatim) {
  const token = /<([^<>\n]+)>/.exec(text);
  let first = token && { index: token.index, end: token.index + token[0].length,
    make: () => tokenNode(token[1], token[0], world, verbatim) };
  for (const [pattern, tag] of STYLES) {
    const hit = pattern.exec(text);
    if (!hit) continue;
    const index = hit.index + hit[1].length;
    if (first && first.index <= index) continue;
    const make = typeof tag === "string"
      ? () => el(tag, {}, inline(hit[2], world, verbatim))
      : () => tag(hit[2]);
    first = { index, end: hit.index + hit[0].length, make };
  }
  if (!first) return words(text, verbatim);
  return [
    ...words(text.slice(0, first.index), verbatim),
    first.make(),
    ...inline(text.slice(first.end), world, verbatim),
  ];
}

function words(text, verbatim) {
  if (!text) return [];
  if (verbatim) return [emojis(unescape(text))];
  return unescape(text).split(/(https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)\]"'”’])/).filter(Boolean).map(
    (part) => (/^https?:\/\//.test(part) ? link(part, part) : emojis(part)));
}

function tokenNode(inner, whole, world, verbatim) {
  const [target, ...rest] = inner.split("|");
  const label = rest.length ? unescape(rest.join("|")) : undefined;
  if (/^@[UW]\w+$/.test(target)) return userBadge(target.slice(1), world, label);
  if (/^#[CG]\w+$/.test(target)) {
    return badge(`#${world.names[target.slice(1)] ?? label ?? "private-channel"}`);
  }
  if (/^!(here|channel|everyone)$/.test(target)) return badge(`@${target.slice(1)}`, true);
  if (target.startsWith("!subteam^")) {
    return badge(`@${world.groups[target.slice(9)] ?? label ?? "group"}`);
  }
  const date = /^!date\^(-?\d+)\^([^^]+)(?:\^(.+))?$/.exec(target);
  if (date) {
    const shown = dateNode(Number(date[1]), date[2], label ?? "", world);
    return date[3] ? link(date[3], shown) : shown;
  }
  if (/^(https?:|mailto:)/i.test(target)) {
    const href = unescape(target);
    return link(href, label === undefined ? href : label);
  }
  return document.createTextNode(unescape(whole));
}

export function text(object, world) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text, world, { verbatim: object.verbatim });
  const shown = object.emoji === false ? object.text : emojis(object.text);
  return shown.split("\n").flatMap((line, index) => (index ? [el("br"), line] : [line]));
}

// --------------------------------------------------------------------------------- rich text
function styled(node, style = {}) {
  const tags = { bold: "strong", italic: "em", strike: "s", code: "code" };
  return Object.entries(tags).reduce(
    (inner, [name, tag]) => (style[name] ? el(tag, {}, inner) : inner), node);
}

function richPart(part, world) {
  switch (part.type) {
    case "text":
      return styled(el("span", { class: "literal" }, part.text), part.style);
    case "link":
      return styled(link(part.url, part.text ?? part.url), part.style);
    case "emoji":
      return part.unicode
        ? String.fromCodePoint(...part.unicode.split("-").map((hex) => parseInt(hex, 16)))
        : EMOJI[part.name] ?? `:${part.name}:`;
    case "user":
      return userBadge(part.user_id, world);
    case "usergroup":
      return badge(`@${world.groups[part.usergroup_id] ?? "group"}`);
    case "channel":
      return badge(`#${world.names[part.channel_id] ?? "private-channel"}`);
    case "broadcast":
      return badge(`@${part.range}`, true);
    case "date":
      return dateNode(part.timestamp, part.format ?? "{date_short} {time}", part.fallback ?? "",
        world);
    case "color":
      return el("span", { class: "literal" }, part.value);
    default:
      return el("span", { class: "literal" }, part.text ?? "");
  }
}

function richText(block, world) {
  return el("div", { class: "rich" }, (block.elements ?? []).map((group) => {
    const parts = () => (group.elements ?? []).map((part) => richPart(part, world));
    switch (group.type) {
      case "rich_text_quote":
        return el("blockquote", {}, parts());
      case "rich_text_preformatted":
        return el("pre", {}, parts());
      case "rich_text_list": {
        const tag = group.style === "ordered" ? "ol" : "ul";
        const start = group.offset ? group.offset + 1 : undefined;
        return el(tag, { start, class: `indent-${Math.min(group.indent ?? 0, 8)}` },
          (group.elements ?? []).map((item) =>
            el("li", {}, (item.elements ?? []).map((part) => richPart(part, world)))));
      }
      default:
        return el("div", { class: "rich-section" }, parts());
    }
  }));
}

// -------------------------------------------------------------------------------- the blocks
// `desk` is where clicks go: desk.world, desk.press(block, element, value) and, in a modal,
// desk.field(block, element) for what a person enters.
export function blocks(list, desk) {
  return (list ?? []).map((block) => {
    const draw = BLOCKS[block.type] ?? unknown;
    const node = draw(block, desk);
    node.classList.add("block");
    return node;
  });
}

function section(block, desk) {
  const { world } = desk;
  const body = el("div", { class: "section-body" });
  if (block.text) body.append(el("div", { class: "words" }, text(block.text, world)));
  if (block.fields) {
    body.append(el("div", { class: "fields" },
      block.fields.map((field) => el("div", { class: "field" }, text(field, world)))));
  }
  const accessory = block.accessory && element(block, block.accessory, desk);
  return el("div", { class: "section" }, body,
    accessory && el("div", { class: "accessory" }, accessory));
}

function image(block, { world }) {
  const title = block.title && el("div", { class: "image-title" }, text(block.title, world));
  return el("figure", {}, title, picture(block));
}

// Pictures from elsewhere are not loaded: the page talks to nobody but this machine.
function picture(block) {
  const own = block.slack_file?.id;
  if (own) return el("img", { src: `files/${encodeURIComponent(own)}`, alt: block.alt_text });
  return el("div", { class: "no-image" }, "🖼 ", block.image_url
    ? link(block.image_url, block.alt_text || block.image_url)
    : block.alt_text ?? "");
}

function context(block, desk) {
  return el("div", { class: "context" }, (block.elements ?? []).map((part) =>
    part.type === "image"
      ? el("span", { class: "no-image" }, part.alt_text ?? "")
      : el("span", { class: "words" }, text(part, desk.world))));
}

const row = (block, desk) =>
  el("div", { class: "actions" },
    (block.elements ?? []).map((part) => element(block, part, desk)));

function cell(value, tag, world, setting) {
  const content = value.type === "rich_text" ? richText(value, world) : String(value.text ?? value.value ?? "");
  const classes = [setting?.align === "right" && "right", setting?.is_wrapped && "wrapped"];
  return el(tag, { class: classes.filter(Boolean).join(" ") || undefined }, content);
}

function table(block, { world }) {
  const [head = [], ...body] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const line = (cells, tag) =>
    el("tr", {}, cells.map((value, i) => cell(value, tag, world, settings[i])));
  return el("div", { class: "table" },
    el("table", {}, el("thead", {}, line(head, "th")),
      el("tbody", {}, body.map((cells) => line(cells, "td")))));
}

function container(block, desk) {
  const title = block.title ? text(block.title, desk.world) : [richText(block.rich_text_title ?? {}, desk.world)];
  const subtitle = block.subtitle && el("div", { class: "muted" }, text(block.subtitle, desk.world));
  const inside = blocks(block.child_blocks, desk);
  if (!block.is_collapsible) {
    return el("div", { class: "container" }, el("strong", {}, title), subtitle, inside);
  }
  return el("details", { class: "container", open: !block.default_collapsed },
    el("summary", {}, el("strong", {}, title), subtitle), inside);
}

const TASK_MARKS = { complete: "✓", in_progress: "◐", error: "!", pending: "○" };

function task(block, desk) {
  const status = block.status ?? "pending";
  const title = typeof block.title === "string" ? block.title : block.title?.text ?? "";
  return el("div", { class: `task ${status in TASK_MARKS ? status : "pending"}` },
    el("span", { class: "task-mark", "aria-label": status }, TASK_MARKS[status] ?? "○"),
    el("div", {}, el("div", {}, title),
      block.details && el("div", { class: "muted" }, richText(block.details, desk.world)),
      block.output && richText(block.output, desk.world)));
}

const plan = (block, desk) =>
  el("div", { class: "plan" },
    el("strong", {}, typeof block.title === "string" ? block.title : block.title?.text ?? ""),
    (block.tasks ?? []).map((item) => task(item, desk)));

function card(block, desk) {
  const { world } = desk;
  const part = (name, tag, cls) => block[name] && el(tag, { class: cls }, text(block[name], world));
  return el("div", { class: "card" }, part("title", "strong"), part("subtitle", "div", "muted"),
    part("body", "div", "words"), part("subtext", "div", "muted"),
    block.actions && row({ ...block, elements: block.actions }, desk));
}

function markdown(block) {
  const line = (row) => {
    const heading = /^#{1,6}\s+(.*)/.exec(row);
    const bullet = /^\s*[-*]\s+(.*)/.exec(row);
    const bold = (words) => words.split(/\*\*(.+?)\*\*/).map((part, i) =>
      (i % 2 ? el("strong", {}, part) : part));
    if (heading) return el("div", {}, el("strong", {}, heading[1]));
    return el("div", {}, bullet ? "• " : "", bold(unescape(bullet ? bullet[1] : row)));
  };
  return el("div", { class: "markdown" }, String(block.text ?? "").split("\n").map(line));
}

function input(block, desk) {
  const { world } = desk;
  return el("div", { class: "input", "data-block": block.block_id },
    el("label", {}, text(block.label, world),
      block.optional && el("span", { class: "muted" }, " (optional)")),
    element(block, block.element, desk),
    block.hint && el("div", { class: "muted hint" }, text(block.hint, world)),
    el("div", { class: "field-error", role: "alert" }));
}

// A kind this page has no drawing for still shows its words.
function unknown(block) {
  const found = [];
  const walk = (node) => {
    if (Array.isArray(node)) node.forEach(walk);
    else if (node && typeof node === "object") {
      if (typeof node.text === "string") found.push(node.text);
      Object.values(node).forEach((child) => typeof child === "object" && walk(child));
    } 
  };
  walk(block);
  const title = typeof block.title === "string" ? [block.title] : [];
  return el("div", { class: "unknown" }, el("span", { class: "muted" }, `${block.type} · `),
    [...title, ...found].join(" · "));
}

const BLOCKS = {
  header: (block, { world }) => el("h3", {}, text(block.text, world)),
  section, context, image, table, container, plan, card, markdown, input,
  actions: row,
  context_actions: row,
  divider: () => el("hr"),
  rich_text: (block, { world }) => richText(block, world),
  task_card: task,
  carousel: (block, desk) => el("div", { class: "carousel" },
    (block.elements ?? []).map((item) => card(item, desk))),
  alert: (block, { world }) => el("div", { class: `alert ${/^\w+$/.test(block.level ?? "") ? block.level : "default"}` },
    text(block.text, world)),
};

// ------------------------------------------------------------------------------ the elements
function element(block, part, desk) {
  const draw = ELEMENTS[part.type];
  return draw ? draw(block, part, desk) : el("span", { class: "muted" }, `[${part.type}]`);
}

function button(block, part, desk) {
  const style = ["primary", "danger"].includes(part.style) ? part.style : "";
  const node = el("button", {
    type: "button",
    class: `button ${style}`,
    "aria-label": part.accessibility_label,
    onclick: () => {
      if (part.url) window.open(part.url, "_blank", "noopener,noreferrer");
      desk.press(block, part, part.value, node);
    },
  }, text(part.text, desk.world));
  if (part.url && !/^(https?:|mailto:)/i.test(part.url)) node.disabled = true;
  return node;
}

const optionsOf = (part) =>
  [...(part.options ?? []), ...(part.option_groups ?? []).flatMap((group) => group.options)];

const plainOf = (object) => emojis(object?.text ?? "");

const optionNode = (option, chosen) =>
  el("option", { value: option.value, selected: chosen === option.value }, plainOf(option.text));

function select(block, part, desk, options = optionsOf(part), first = part.initial_option?.value) {
  const grouped = part.option_groups
    ? part.option_groups.map((group) => el("optgroup", { label: plainOf(group.label) },
      group.options.map((option) => optionNode(option, first))))
    : options.map((option) => optionNode(option, first));
  const node = el("select", {
    class: "select",
    "aria-label": plainOf(part.placeholder) || part.action_id,
    onchange: () => {
      const value = node.value;
      if (!desk.field) node.value = "";
      if (value) desk.press(block, part, value, node);
    },
  }, el("option", { value: "" }, plainOf(part.placeholder) || "Choose an option"), grouped);
  desk.field?.(block, part, () => node.value || null);
  return node;
}

const people = (block, part, desk) => select(block, part, desk,
  desk.world.users.map((user) => ({ value: user.id, text: { text: user.name } })),
  part.initial_user);

const rooms = (block, part, desk) => select(block, part, desk,
  Object.entries(desk.world.names).map(([id, name]) => ({ value: id, text: { text: `#${name}` } })),
  part.initial_channel ?? part.initial_conversation);

function overflow(block, part, desk) {
  const menu = el("details", { class: "overflow" },
    el("summary", { "aria-label": "More actions" }, "⋯"),
    el("div", { class: "menu" }, optionsOf(part).map((option) => el("button", {
      type: "button",
      onclick: () => {
        menu.open = false;
        desk.press(block, part, option.value, menu);
      },
    }, text(option.text, desk.world)))));
  return menu;
}

function choices(kind) {
  return (block, part, desk) => {
    const first = kind === "radio"
      ? [part.initial_option?.value]
      : (part.initial_options ?? []).map((option) => option.value);
    const name = `${block.block_id}/${part.action_id}`;
    const boxes = optionsOf(part).map((option) => el("input", {
      type: kind, name, value: option.value, checked: first.includes(option.value),
      onchange: () => desk.press(block, part, kind === "radio" ? option.value : chosen(), null),
    }));
    const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
    desk.field?.(block, part, () => (kind === "radio" ? chosen()[0] ?? null : chosen()));
    return el("div", { class: "choices" }, optionsOf(part).map((option, index) =>
      el("label", { class: "choice" }, boxes[index], el("span", {}, text(option.text, desk.world),
        option.description && el("span", { class: "muted" }, " ", text(option.description, desk.world))))));
  };
}

function entry(type) {
  return (block, part, desk) => {
    const first = part.initial_value ?? part.initial_date ?? part.initial_time ?? "";
    const common = {
      class: "entry",
      placeholder: plainOf(part.placeholder),
      maxlength: part.max_length,
      "aria-label": plainOf(block.label),
    };
    const node = part.multiline
      ? el("textarea", { ...common, rows: 4 })
      : el("input", { ...common, type });
    node.value = first;
    desk.field?.(block, part, () => node.value || null);
    return node;
  };
}

function multi(block, part, desk) {
  const first = (part.initial_options ?? []).map((option) => option.value);
  const node = el("select", { class: "select", multiple: true }, optionsOf(part).map((option) =>
    el("option", { value: option.value, selected: first.includes(option.value) }, plainOf(option.text))));
  desk.field?.(block, part, () => [...node.selectedOptions].map((option) => option.value));
  return node;
}

function feedback(block, part, desk) {
  const one = (choice, mark) => el("button", {
    type: "button", class: "button", onclick: () => desk.press(block, part, choice.value, null),
  }, `${mark} ${choice.text?.text ?? ""}`);
  return el("span", {}, one(part.positive_button ?? {}, "👍"), one(part.negative_button ?? {}, "👎"));
}

const ELEMENTS = {
  button,
  workflow_button: button,
  icon_button: button,
  overflow,
  static_select: select,
  external_select: select,
  users_select: people,
  conversations_select: rooms,
  channels_select: rooms,
  multi_static_select: multi,
  radio_buttons: choices("radio"),
  checkboxes: choices("checkbox"),
  plain_text_input: entry("text"),
  email_text_input: entry("email"),
  url_text_input: entry("url"),
  number_input: entry("number"),
  datepicker: entry("date"),
  timepicker: entry("time"),
  feedback_buttons: feedback,
  image: (block, part) => picture(part),
};
