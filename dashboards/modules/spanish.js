// The modules' own words in Spanish, by the English: templates have theirs from
// the server.

export const spanish = {
  '{time} ago': 'hace {time}',
  'silent': 'en silencio',
  'connecting': 'conectando',
  'live': 'en vivo',
  'connection lost, showing values as of {time}': 'sin conexión; valores de las {time}',
  'no readings from {from} to {to}': 'sin lecturas desde {from} hasta {to}',
  'no readings, {span}': 'sin lecturas, {span}',
  'now': 'ahora',
  'for part of it': 'durante una parte',
  'lowest {low}, highest {high}': 'mínima {low}, máxima {high}',
  '{n} not usable': '{n} no utilizables',
  '{from} to {to}': 'de {from} a {to}',
  'Hide the table': 'Ocultar la tabla',
  'Show as table': 'Mostrar como tabla',
  'Write a time in UTC like 2026-09-14 06:00:00': 'Escriba una hora UTC como 2026-09-14 06:00:00',
  '“to” must be later than “from”': '«hasta» debe ser posterior a «desde»',
  'This browser has no passkeys.': 'Este navegador no tiene llaves de acceso.',
  'No passkey was given.': 'No se dio ninguna llave de acceso.',
  'This device has a passkey of yours already.': 'Este dispositivo ya tiene una llave de acceso suya.',
};
