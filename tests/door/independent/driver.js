// The same tasks as crypto_driver.cpp has, done by a library of somebody else's: node driver.js @wecom/crypto|wechat-crypto
'use strict';
const readline = require('node:readline');
const name = process.argv[2];
const library = require(name);

// Neither proves a signature by itself: whoever uses them compares.
const libraries = {
  '@wecom/crypto': (token, key, appid) => ({
    sign: (timestamp, nonce, encrypt) => library.getSignature(token, timestamp, nonce, encrypt),
    seal: (message, random) => library.encrypt(key, message, appid, random),
    open: (encrypt) => library.decrypt(key, encrypt),
  }),
  'wechat-crypto': (token, key, appid) => {
    const crypt = new library(token, key, appid);
    return {
      sign: (timestamp, nonce, encrypt) => crypt.getSignature(timestamp, nonce, encrypt),
      seal: (message) => crypt.encrypt(message),
      open: (encrypt) => crypt.decrypt(encrypt),
    };
  },
};

const decoded = (text) => (text === '=' ? Buffer.alloc(0) : Buffer.from(text, 'base64'));
const encoded = (text) => (text === '' ? '=' : Buffer.from(text).toString('base64'));

function answer(line) {
  const [task, token, key, appid, timestamp, nonce, fifth, sixth] = line.split(' ');
  const crypt = libraries[name](token, key, appid);
  if (task === 'seal') {
    const encrypt = crypt.seal(decoded(sixth).toString(), decoded(fifth));
    return `${encrypt} ${crypt.sign(timestamp, nonce, encrypt)}`;
  }
  if (crypt.sign(timestamp, nonce, sixth) !== fifth) return 'no';
  try {
    const { message, id } = crypt.open(sixth);
    return id === appid ? `ok ${encoded(message)}` : 'no';
  } catch {
    return 'no';
  }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => process.stdout.write(`${answer(line)}\n`));
