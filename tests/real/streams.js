// HTTP/2: many requests at a time on one session, which is made anew every half a minute.
// streams.js serve | streams.js ask HOST
'use strict';
const http2 = require('http2');

if (process.argv[2] === 'serve') {
    http2.createServer((request, response) => setTimeout(() => response.end('ready'), 20)).listen(8090);
} else {
    let session;
    const renew = () => {
        const before = session;
        session = http2.connect(`http://${process.argv[3]}:8090`);
        session.on('error', (e) => console.log(e.message));
        if (before) before.close();
    };
    renew();
    setInterval(renew, 30000);
    setInterval(() => {
        for (let i = 0; i < 10; i++) {
            const stream = session.request({ ':path': '/' });
            stream.on('error', (e) => console.log(e.message));
            stream.resume();
            stream.end();
        }
    }, 500);
}
