; What is said, to the page and to the file of /LOG=FILE; how a program is run; how it ends with an error.

!macro CallHere NAME
  !ifdef __UNINSTALL__
    Call un.${NAME}
  !else
    Call ${NAME}
  !endif
!macroend

!macro OpenLog
  StrCpy $log ""
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/LOG=" $1
  ${IfNot} ${Errors}
    FileOpen $log $1 w
  ${EndIf}
!macroend

!macro Say TEXT
  Push `${TEXT}`
  !insertmacro CallHere SayTop
!macroend

; Runs a program of ours without a window: $0 its exit status ("error": it did not start), $1 what it said.
!macro Run COMMAND
  Push `${COMMAND}`
  !insertmacro CallHere RunTop
!macroend

!macro Fail STATUS TEXT
  !insertmacro Say `${TEXT}`
  SetErrorLevel ${STATUS}
  MessageBox MB_OK|MB_ICONSTOP `${TEXT}` /SD IDOK
  Abort
!macroend

!macro SayFunctions UN
Function ${UN}SayTop
  Exch $R9
  DetailPrint $R9
  ${If} $log != ""
    FileWrite $log "$R9$\r$\n"
  ${EndIf}
  Pop $R9
FunctionEnd

Function ${UN}RunTop
  Exch $R8
  nsExec::ExecToStack /TIMEOUT=120000 $R8
  Pop $0
  Pop $1
  ${Do}
    StrCpy $R8 $1 1 -1
    ${If} $R8 != "$\r"
    ${AndIf} $R8 != "$\n"
      ${Break}
    ${EndIf}
    StrCpy $1 $1 -1
  ${Loop}
  StrCpy $R8 $1 13
  ${If} $R8 == "softlan-svc: "
    StrCpy $1 $1 "" 13
  ${EndIf}
  ${If} $0 != 0
  ${AndIf} $1 == ""
    StrCpy $1 "softlan-svc.exe ended with $0"
  ${EndIf}
  ${If} $1 != ""
    Push $1
    Call ${UN}SayTop
  ${EndIf}
  Pop $R8
FunctionEnd
!macroend

!insertmacro SayFunctions ""
!insertmacro SayFunctions "un."
