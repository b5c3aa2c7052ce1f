/** The chat page's markup. */
export const pageHtml = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Chat</title>
    <link rel="icon" href="/chat/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/chat/chat.css">
    <script type="module" src="/chat/chat.js"></script>
  </head>
  <body>
    <a class="skip" href="#text">Skip to the message</a>
    <header>
      <h1>Shop chat</h1>
      <p id="state" class="state" role="status"></p>
    </header>
    <nav aria-label="Rooms">
      <h2>Rooms</h2>
      <ul id="rooms"></ul>
    </nav>
    <main>
      <div class="room">
        <h2 id="room"></h2>
        <p id="present" class="quiet"></p>
      </div>
      <ol id="log" role="log" aria-label="What was said" tabindex="0"></ol>
      <form id="enter" autocomplete="off">
        <label for="name">Your name</label>
        <input id="name" name="name" maxlength="40" required>
        <button>Enter</button>
      </form>
      <form id="say" autocomplete="off" hidden>
        <label class="hidden" for="text">Message</label>
        <input id="text" name="text" maxlength="500" placeholder="Message" enterkeyhint="send">
        <button>Send</button>
      </form>
      <p id="problem" class="problem" role="alert"></p>
      <noscript>This page needs JavaScript.</noscript>
    </main>
  </body>
</html>
`;
