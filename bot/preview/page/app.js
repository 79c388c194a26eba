// The page: asks for what the chosen person can see, draws it, and sends what that person does.

import { ago, blocks, clock, dayName, el, mrkdwn, text } from "./blocks.js";

const page = {
  me: sessionStorage.getItem("me") ?? "",
  world: null,
  seen: {}, // newest ts looked at, by channel
  drawn: new Map(), // what is on the screen: key to {mark, node}
  lost: false,
};
const spot = (id) => document.getElementById(id);

// -------------------------------------------------------------------------- talking to the server
async function refresh() {
  if (refresh.running) {
    refresh.again = true;
    return;
  }
  refresh.running = true;
  try {
    do {
      refresh.again = false;
      const wanted = new URLSearchParams({ user: page.me, ts: place().ts });
      const answer = await fetch(`page/state?${wanted}`);
      page.world = await answer.json();
      page.world.zone = page.world.users.find((user) => user.id === page.world.me)?.zone ?? "UTC";
      page.me = page.world.me;
      draw();
    } while (refresh.again);
  } catch {
    lose();
  } finally {
    refresh.running = false;
  }
}

async function act(name, body) {
  try {
    const answer = await fetch(`page/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: page.me, ...body }),
    });
    const told = await answer.json();
    if (told.error) toast(told.error);
    return told;
  } catch {
    lose();
    return { error: "lost" };
  }
}

function listen() {
  const stream = new EventSource("page/changes");
  stream.onmessage = () => {
    page.lost = false;
    refresh();
  };
  stream.onerror = lose;
}

function lose() {
  page.lost = true;
  if (page.world) drawBanner();
}

function toast(words) {
  const node = spot("toast");
  node.textContent = words;
  node.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { node.hidden = true; }, 6000);
}

// ------------------------------------------------------------------------------------ where we are
function place() {
  const [, channel, ts] = location.hash.split("/");
  return { channel: decodeURIComponent(channel ?? ""), ts: decodeURIComponent(ts ?? "") };
}
const go = (channel, ts) => { location.hash = ts ? `#/${channel}/${ts}` : `#/${channel}`; };

function current() {
  const { world } = page;
  const { channel, ts } = place();
  const room = world.channels.find((c) => c.id === channel);
  if (channel === "list") return { room: firstRoom(), root: null, view: "side" };
  if (!room) return { room: firstRoom(), root: null, view: "room" };
  const hit = room.messages.find((m) => m.ts === ts);
  const root = hit && room.messages.find((m) => m.ts === (hit.thread_ts ?? hit.ts));
  return { room, root: root ?? null, hit: hit?.ts, view: root ? "thread" : "room" };
}

function firstRoom() {
  const { channels } = page.world;
  return channels.find((c) => !c.direct && c.messages.length) ?? channels.find((c) => c.joined)
    ?? channels[0];
}

// ---------------------------------------------------------------------------------------- drawing
// A node is kept while what it shows stays the same, so that open menus and typed words survive.
function kept(key, mark, make) {
  const old = page.drawn.get(key);
  const signed = JSON.stringify(mark);
  if (old && old.mark === signed) return old.node;
  const node = make();
  page.drawn.set(key, { mark: signed, node });
  return node;
}

function reconcile(parent, nodes) {
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  while (parent.children.length > nodes.length) parent.lastElementChild.remove();
}

function draw() {
  const now = current();
  document.body.dataset.view = now.view;
  document.title = `${now.room ? `#${now.room.name} · ` : ""}${page.world.team}`;
  drawBanner();
  drawSide(now);
  drawRoom(now);
  drawThread(now);
  drawModal();
}

function drawBanner() {
  const words = page.lost
    ? "The preview is not running any more. Start it again, then reload."
    : page.world.banner;
  spot("banner").textContent = words;
  spot("banner").hidden = !words;
  document.body.classList.toggle("lost", page.lost);
}

// ----------------------------------------------------------------------------------------- sidebar
function newest(room) {
  const shown = room.messages.filter((m) => !m.thread_ts || m.broadcast);
  return shown.length ? shown[shown.length - 1].ts : "0";
}

function drawSide({ room, view }) {
  const { world } = page;
  for (const each of world.channels) page.seen[each.id] ??= newest(each);
  if (room && view !== "side" && !document.hidden) page.seen[room.id] = newest(room);
  const line = (each) => {
    const unread = Number(newest(each)) > Number(page.seen[each.id]);
    const here = each.id === room?.id;
    const sign = each.direct ? "●" : each.private ? "🔒" : "#";
    return el("a", {
      href: `#/${each.id}`,
      class: [here && "here", unread && "unread", each.archived && "archived"].filter(Boolean).join(" "),
      "aria-current": here ? "page" : undefined,
    }, el("span", { class: "sign" }, sign), el("span", { class: "name" }, each.name));
  };
  const mark = [world.team, world.users, world.me, world.bot, room?.id, view,
    world.channels.map((c) => [c.id, c.name, c.archived, newest(c), page.seen[c.id]])];
  const node = kept("side", mark, () => {
    const direct = world.channels.filter((c) => c.direct);
    return el("div", { class: "side" },
      el("div", { class: "team" }, world.team),
      el("h2", {}, "Channels"),
      world.channels.filter((c) => !c.direct).map(line),
      direct.length ? [el("h2", {}, "Direct messages"), direct.map(line)] : [],
      el("h2", {}, "Apps"),
      el("div", { class: "app-line" },
        el("span", { class: world.bot.connections ? "dot on" : "dot" }), world.bot.name,
        el("span", { class: "quiet" }, world.bot.connections ? "connected" : "not connected")),
      chooser());
  });
  reconcile(spot("side"), [node]);
}

function chooser() {
  const { world } = page;
  const me = world.users.find((user) => user.id === world.me);
  const select = el("select", {
    id: "act-as",
    onchange: () => {
      page.me = select.value;
      sessionStorage.setItem("me", page.me);
      page.drawn.clear();
      refresh();
    },
  }, world.users.map((user) =>
    el("option", { value: user.id, selected: user.id === world.me }, user.name)));
  return el("div", { class: "chooser" }, el("label", { for: "act-as" }, "You act as"), select,
    el("div", { class: "quiet" }, [me?.title, me?.zone].filter(Boolean).join(" · ")));
}

// ----------------------------------------------------------------------------------------- channel
function drawRoom({ room, hit }) {
  if (!room) {
    reconcile(spot("room"), [el("p", { class: "empty" }, "No channel yet.")]);
    return;
  }
  const frame = kept("room", [room.id, room.name, page.me, room.archived], () => pane(
    el("header", {},
      el("a", { class: "back", href: "#/list", "aria-label": "All channels" }, "☰"),
      el("strong", {}, `${room.direct ? "" : room.private ? "🔒 " : "# "}${room.name}`)),
    composer(room, null)));
  reconcile(spot("room"), [frame]);
  const whispers = page.world.ephemerals.filter((e) => e.channel === room.id && !e.thread_ts);
  const shown = room.messages.filter((m) => !m.thread_ts || m.broadcast);
  fill(frame, room, shown, whispers, { hit, summary: true });
}

function pane(header, footer) {
  const list = el("div", { class: "list", role: "log", tabindex: "0" });
  return el("section", { class: "pane" }, header, list, footer);
}

function fill(frame, room, messages, whispers, options) {
  const list = frame.querySelector(".list");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const fresh = frame.dataset.filled !== "yes";
  const all = [...messages.map((m) => ({ ...m, shown: "message" })),
    ...whispers.map((e) => ({ ...e, shown: "whisper" }))]
    .sort((a, b) => Number(a.ts) - Number(b.ts));
  const nodes = [];
  let day = "";
  for (const message of all) {
    const name = dayName(Number(message.ts), page.world);
    if (name !== day && options.summary) {
      nodes.push(kept(`day ${room.id} ${name}`, name, () =>
        el("div", { class: "day" }, el("span", {}, name))));
    }
    day = name;
    nodes.push(row(room, message, options));
  }
  if (!nodes.length) nodes.push(kept(`empty ${room.id}`, "", () =>
    el("p", { class: "empty" }, "Nothing here yet.")));
  reconcile(list, nodes);
  frame.dataset.filled = "yes";
  const target = options.hit && list.querySelector(`[data-ts="${CSS.escape(options.hit)}"]`);
  if (fresh && target) target.scrollIntoView({ block: "nearest" });
  else if (fresh ? options.summary : atEnd) list.scrollTop = list.scrollHeight;
}

function row(room, message, options) {
  const { world } = page;
  const replies = options.summary && !message.thread_ts
    ? room.messages.filter((m) => m.thread_ts === message.ts) : [];
  const minute = replies.length ? Math.floor(world.now / 60) : 0;
  const key = `${options.summary ? "room" : "thread"} ${room.id} ${message.shown} ${message.ts}`;
  const mark = [message, replies.map((r) => r.ts), minute, world.zone, world.me, options.hit];
  return kept(key, mark, () => el("article", {
    class: ["message", message.shown === "whisper" && "whisper",
      options.hit === message.ts && !options.summary && "hit",
      message.deleted && "gone"].filter(Boolean).join(" "),
    "data-ts": message.ts,
  }, avatar(message.user), el("div", { class: "content" },
    message.shown === "whisper" && el("div", { class: "only-you" }, "👁 Only visible to you"),
    heading(message),
    message.thread_ts && options.summary && message.shown === "message" && origin(room, message),
    body(room, message),
    message.shown === "whisper" && el("button", {
      type: "button", class: "dismiss", onclick: () => act("dismiss", { ts: message.ts }),
    }, "Dismiss message"),
    footer(room, message, replies, options))));
}

function nameOf(id) {
  const { world } = page;
  if (id === world.bot.id) return world.bot.name;
  if (id === "USLACKBOT") return "Slackbot";
  return world.users.find((user) => user.id === id)?.name ?? id;
}

function avatar(id) {
  if (id === page.world.bot.id) return el("div", { class: "avatar bot", "aria-hidden": "true" }, "烽");
  const tint = [...id].reduce((sum, char) => sum + char.codePointAt(0), 0) % 5;
  return el("div", { class: `avatar tint-${tint}`, "aria-hidden": "true" },
    nameOf(id).slice(0, 1).toUpperCase());
}

function heading(message) {
  const time = Number(message.ts);
  const isApp = message.user === page.world.bot.id || message.user === "USLACKBOT";
  return el("div", { class: "heading" }, el("strong", {}, nameOf(message.user)),
    isApp && el("span", { class: "app" }, "APP"),
    el("time", { title: clock(time, page.world.zone, { dateStyle: "full", timeStyle: "medium" }) },
      clock(time, page.world.zone, { hour: "2-digit", minute: "2-digit" })));
}

const origin = (room, message) => {
  const root = room.messages.find((m) => m.ts === message.thread_ts);
  return el("a", { class: "origin", href: `#/${room.id}/${message.thread_ts}` },
    "replied to a thread: ", root ? plain(root) : "…");
};

const plain = (message) => {
  const words = el("span", {}, mrkdwn(message.text, page.world)).textContent;
  return words.length > 80 ? `${words.slice(0, 79)}…` : words;
};

function body(room, message) {
  const desk = messageDesk(room, message);
  const node = el("div", { class: "body" });
  if (message.blocks?.length) node.append(...blocks(message.blocks, desk));
  else if (message.text) node.append(el("div", { class: "words" }, mrkdwn(message.text, page.world)));
  if (message.edited) node.append(el("span", { class: "quiet" }, " (edited)"));
  for (const side of message.attachments ?? []) node.append(attachment(side, desk));
  for (const file of message.files ?? []) node.append(upload(file));
  return node;
}

function attachment(side, desk) {
  const colour = /^#[0-9a-f]{6}$/i.test(side.color ?? "") ? side.color : "#dddddd";
  const node = el("div", { class: "attachment" },
    side.pretext && el("div", {}, mrkdwn(side.pretext, page.world)),
    side.title && el("strong", {}, side.title),
    side.blocks ? blocks(side.blocks, desk) : el("div", {}, mrkdwn(side.text ?? side.fallback ?? "", page.world)));
  node.style.setProperty("border-left-color", colour);
  return node;
}

function upload(file) {
  const href = `files/${encodeURIComponent(file.id)}`;
  if (!file.picture) return el("a", { class: "file", href, download: file.name }, `📄 ${file.title}`);
  return el("figure", { class: "upload" }, el("figcaption", {}, file.title),
    el("a", { href, target: "_blank", rel: "noopener" },
      el("img", { src: href, alt: file.alt || file.title, title: file.alt })));
}

function footer(room, message, replies, options) {
  if (message.shown !== "message" || !options.summary) return null;
  if (!replies.length) {
    return message.thread_ts ? null
      : el("a", { class: "reply-link", href: `#/${room.id}/${message.ts}` }, "Reply in thread");
  }
  const last = replies[replies.length - 1];
  return el("a", { class: "replies", href: `#/${room.id}/${message.ts}` },
    el("strong", {}, replies.length === 1 ? "1 reply" : `${replies.length} replies`),
    el("span", { class: "quiet" }, `Last reply ${ago(Number(last.ts), page.world.now)}`));
}

// ------------------------------------------------------------------------------------------ thread
function drawThread({ room, root, hit }) {
  const host = spot("thread");
  host.hidden = !root;
  if (!root) {
    page.drawn.delete("thread");
    reconcile(host, []);
    return;
  }
  const frame = kept("thread", [room.id, root.ts, page.me, room.archived], () => pane(
    el("header", {}, el("strong", {}, "Thread"), el("span", { class: "quiet" }, `# ${room.name}`),
      el("a", { class: "close", href: `#/${room.id}`, "aria-label": "Close thread" }, "✕")),
    composer(room, root.ts)));
  reconcile(host, [frame]);
  const replies = room.messages.filter((m) => m.thread_ts === root.ts);
  const whispers = page.world.ephemerals.filter((e) =>
    e.channel === room.id && e.thread_ts === root.ts);
  fill(frame, room, [root, ...replies], whispers, { hit: hit === root.ts ? "" : hit });
}

// ---------------------------------------------------------------------------------------- composer
function composer(room, thread) {
  if (room.archived) return el("footer", { class: "closed" }, "This channel is archived.");
  const { commands } = page.world;
  const verb = Object.keys(commands)[0] ?? "/crisis";
  const hint = el("div", { class: "hint-box", hidden: true });
  const box = el("textarea", {
    rows: 1,
    "aria-label": thread ? "Reply" : `Message ${room.name}`,
    placeholder: thread ? "Reply…" : `Message, or ${verb} for ${page.world.bot.name}`,
    oninput: () => suggest(),
    onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        send();
      }
    },
  });
  const suggest = () => {
    const typed = box.value;
    const fitting = typed.startsWith("/")
      ? Object.entries(commands).filter(([name]) => name.startsWith(typed.split(" ")[0])) : [];
    hint.hidden = !fitting.length;
    hint.replaceChildren(...fitting.map(([name, usage]) =>
      el("div", {}, el("strong", {}, name), " ", el("span", { class: "quiet" }, usage))));
  };
  const send = async () => {
    const words = box.value.trim();
    if (!words) return;
    if (words.startsWith("/") && thread) {
      toast(`${words.split(" ")[0]} does not work in threads. Use it in the channel.`);
      return;
    }
    box.value = "";
    suggest();
    const told = words.startsWith("/")
      ? await act("command", { channel: room.id, text: words })
      : await act("say", { channel: room.id, text: words, thread_ts: thread });
    if (told.error === "lost") box.value = words;
  };
  return el("footer", {}, hint, el("div", { class: "composer" },
    !thread && el("button", {
      type: "button", class: "slash", title: `Type ${verb}`,
      onclick: () => {
        box.value = `${verb} `;
        suggest();
        box.focus();
      },
    }, "/"),
    box,
    el("button", { type: "button", class: "send", "aria-label": "Send", onclick: send }, "➤")));
}

// ------------------------------------------------------------------------------------------ clicks
function messageDesk(room, message) {
  return {
    world: page.world,
    press: async (block, part, value, node) => {
      if (!(await confirmed(part.confirm))) return;
      node?.classList.add("busy");
      await act("press", {
        channel: room.id, ts: message.ts, block_id: block.block_id, action_id: part.action_id,
        value: value ?? null,
      });
      node?.classList.remove("busy");
    },
  };
}

function confirmed(question) {
  if (!question) return Promise.resolve(true);
  return new Promise((settle) => {
    const close = (answer) => {
      shade.remove();
      settle(answer);
    };
    const style = question.style === "danger" ? "danger" : "primary";
    const shade = el("div", { class: "shade ask" }, el("div", { class: "dialog", role: "alertdialog" },
      el("header", {}, el("strong", {}, text(question.title, page.world))),
      el("div", { class: "dialog-body" }, text(question.text, page.world)),
      el("footer", {},
        el("button", { type: "button", class: "button", onclick: () => close(false) },
          text(question.deny, page.world)),
        el("button", { type: "button", class: `button ${style}`, onclick: () => close(true) },
          text(question.confirm, page.world)))));
    document.body.append(shade);
    shade.querySelector(`.${style}`).focus();
  });
}

// ------------------------------------------------------------------------------------------ modals
function drawModal() {
  const { modals } = page.world;
  const top = modals[modals.length - 1];
  if (!top) {
    reconcile(spot("layer"), []);
    page.drawn.delete("modal");
    return;
  }
  const fresh = page.drawn.get("modal")?.node;
  const node = kept("modal", [top.id, top.hash, page.me], () => modal(top));
  reconcile(spot("layer"), [node]);
  if (fresh !== node) node.querySelector("input, select, textarea, .button.primary")?.focus();
  for (const field of node.querySelectorAll("[data-block]")) {
    field.querySelector(".field-error").textContent = top.errors[field.dataset.block] ?? "";
  }
  const loose = Object.entries(top.errors)
    .filter(([id]) => !node.querySelector(`[data-block="${CSS.escape(id)}"]`));
  node.querySelector(".dialog-error").textContent = loose.map(([, words]) => words).join(" ");
}

function modal(top) {
  const { view } = top;
  const readers = {};
  const desk = {
    world: page.world,
    field: (block, part, read) => { readers[block.block_id] = read; },
    press: (block, part, value) => (block.type === "input" && !block.dispatch_action ? null
      : act("press_in_view", { view: top.id, action_id: part.action_id, value: value ?? null })),
  };
  const close = () => act("close", { view: top.id });
  const submit = async () => {
    const values = Object.fromEntries(Object.entries(readers).map(([id, read]) => [id, read()]));
    node.classList.add("busy");
    await act("submit", { view: top.id, values });
    node.classList.remove("busy");
  };
  const node = el("div", { class: "shade" }, el("div", {
    class: "dialog", role: "dialog", "aria-modal": "true",
    onkeydown: (event) => { if (event.key === "Escape") close(); },
  },
  el("header", {}, el("strong", {}, text(view.title, page.world)),
    el("button", { type: "button", class: "close", "aria-label": "Close", onclick: close }, "✕")),
  el("div", { class: "dialog-body" }, blocks(view.blocks, desk),
    el("div", { class: "field-error dialog-error", role: "alert" })),
  el("footer", {},
    el("button", { type: "button", class: "button", onclick: close },
      view.close ? text(view.close, page.world) : "Close"),
    view.submit && el("button", { type: "button", class: "button primary", onclick: submit },
      text(view.submit, page.world)))));
  return node;
}

// ------------------------------------------------------------------------------------------- start
window.addEventListener("hashchange", () => page.world && (draw(), refresh()));
document.addEventListener("visibilitychange", () => page.world && draw());
setInterval(() => page.world && !page.lost && refresh(), 60_000); // "5 min ago" grows older
refresh().then(listen);
