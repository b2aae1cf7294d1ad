"""The views: folium draws shells of our constants; pages, JavaScript and words are files of this folder."""
