// Every server that this process opens listens on this machine alone.
const net = require('node:net')

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  const done = args.find((arg) => typeof arg === 'function')
  const first = args[0]
  if (/^\d+$/.test(String(first))) {
    return listen.call(this, { port: Number(first), host: '127.0.0.1' }, done)
  }
  if (first && typeof first === 'object' && 'port' in first && !first.path) {
    return listen.call(this, { ...first, host: '127.0.0.1' }, done)
  }
  return listen.apply(this, args)
}
