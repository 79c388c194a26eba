// RSSHub's routes on loopback. Its package answers with data; they are written down as RSS here.
// Argument: the port.
import { serve } from '@hono/node-server'
import { init, request } from 'rsshub'

await init({
  CACHE_TYPE: 'memory',
  CACHE_EXPIRE: '1',
  REQUEST_TIMEOUT: '5000',
  REQUEST_RETRY: '0',
  NO_RANDOM_UA: '1',
  UA: 'fenghuo-live-test',
  LOGGER_LEVEL: 'error',
})

const escape = (text) =>
  String(text ?? '').replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c])

const item = (entry) => `<item><title>${escape(entry.title)}</title><link>${escape(entry.link)}</link>
<guid isPermaLink="false">${escape(entry.guid ?? entry.link)}</guid>
<pubDate>${entry.pubDate ? new Date(entry.pubDate).toUTCString() : ''}</pubDate>
<description>${escape(entry.description)}</description></item>`

const fetch = async (asked) => {
  const path = new URL(asked.url).pathname
  if (path === '/') return new Response('ready')
  try {
    const data = await request(path)
    if (!Array.isArray(data.item)) return new Response(JSON.stringify(data), { status: 503 })
    const body = `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>
<title>${escape(data.title)}</title><link>${escape(data.link)}</link>
${data.item.map(item).join('')}</channel></rss>`
    return new Response(body, { headers: { 'content-type': 'application/rss+xml' } })
  } catch (error) {
    return new Response(String(error), { status: 503 })
  }
}
serve({ fetch, hostname: '127.0.0.1', port: Number(process.argv[2]) })
