// A single-page application: its pages live in the browser. What has a dot in its last part is a file; whatever else a
// browser asks for as a page is the one page. Done before the request and for this site alone, so the 404 of an API
// stays a 404.
function handler(event) {
  var request = event.request;
  var last = request.uri.substring(request.uri.lastIndexOf("/") + 1);
  var accept = request.headers.accept ? request.headers.accept.value : "*/*";
  var page = accept.indexOf("text/html") !== -1 || accept.indexOf("*/*") !== -1;
  if (page && last.indexOf(".") === -1 && request.uri.indexOf("/.well-known/") !== 0) {
    request.uri = "/index.html";
  }
  return request;
}
