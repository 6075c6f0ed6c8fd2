// A site of many pages: a folder, with or without its slash, is the index.html in it.
function handler(event) {
  var request = event.request;
  var last = request.uri.substring(request.uri.lastIndexOf("/") + 1);
  if (last === "") {
    request.uri += "index.html";
  } else if (last.indexOf(".") === -1 && request.uri.indexOf("/.well-known/") !== 0) {
    request.uri += "/index.html";
  }
  return request;
}
