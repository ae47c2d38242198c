export const folder = 'folder';
