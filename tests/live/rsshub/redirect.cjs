// Whatever this process asks the outside for by TLS is asked of a server on this machine instead.
const tls = require('node:tls')

const connect = tls.connect
const port = Number(process.env.UPSTREAM_PORT)
tls.connect = function (...args) {
  const given = typeof args[0] === 'object' ? { ...args[0] } : { port: args[0], host: args[1] }
  if (given.port === undefined || String(given.port) === '443') {
    const servername = given.servername || given.host
    Object.assign(given, { servername, host: '127.0.0.1', hostname: '127.0.0.1', port })
  }
  return connect.call(this, given, ...args.slice(1).filter((arg) => typeof arg === 'function'))
}
