document.documentElement.classList.add('js');
const pick=document.querySelector('#pick');
pick&&pick.addEventListener('change',()=>{for(const one of document.querySelectorAll('figure'))
one.hidden=pick.value!==''&&!one.dataset.classes.split('|').includes(pick.value)});
