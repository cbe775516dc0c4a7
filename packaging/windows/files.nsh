; The installed files. New ones wait in "new", old ones in "old", on the same disk, so that the exchange is by renaming
; alone; what fails is put back.

!define TRIES 50
!define TRY_MS 200

!macro ForEachProgram ACTION
  !insertmacro ${ACTION} "softlan.exe"
  !insertmacro ${ACTION} "lanparty-client-win.exe"
  !insertmacro ${ACTION} "softlan-svc.exe"
!macroend

!macro ForEachFile ACTION
  !insertmacro ForEachProgram ${ACTION}
  !insertmacro ${ACTION} "README.txt"
  !insertmacro ${ACTION} "uninstall.exe"
!macroend

; ---- writing ----

; A version that was interrupted in the exchange has left some of its files in "old" alone.
!macro RecoverFile NAME
  ${If} ${FileExists} "$INSTDIR\old\${NAME}"
  ${AndIfNot} ${FileExists} "$INSTDIR\${NAME}"
    Rename "$INSTDIR\old\${NAME}" "$INSTDIR\${NAME}"
  ${EndIf}
!macroend

Function RecoverFiles
  !insertmacro ForEachFile RecoverFile
FunctionEnd

Function StageFiles
  RMDir /r "$INSTDIR\new"
  SetOverwrite try
  ClearErrors
  SetOutPath "$INSTDIR\new"
  File "${STAGE}/softlan.exe"
  File "${STAGE}/lanparty-client-win.exe"
  File "${STAGE}/softlan-svc.exe"
  File "${README}"
  WriteUninstaller "$INSTDIR\new\uninstall.exe"
  !ifdef DRIVER
    SetOutPath "$INSTDIR\new\driver"
    File "${DRIVER}/*.inf"
    File "${DRIVER}/*.cat"
    File "${DRIVER}/*.sys"
  !endif
  SetOutPath "$TEMP" ; the current folder is in use
  ${If} ${Errors}
    !insertmacro Fail ${STATUS_FAILED} "The files cannot be written to $INSTDIR: is the disk full?"
  ${EndIf}
FunctionEnd

; ---- ending what runs ----

; $0 becomes the name of a program that runs: such a file cannot be opened for writing.
!macro FindInUse NAME
  ${If} $0 == ""
  ${AndIf} ${FileExists} "$INSTDIR\${NAME}"
    ClearErrors
    FileOpen $1 "$INSTDIR\${NAME}" a
    ${If} ${Errors}
      StrCpy $0 "${NAME}"
    ${Else}
      FileClose $1
    ${EndIf}
  ${EndIf}
!macroend

; Programs that have just ended are held a moment longer, by the system or by a virus scanner.
!macro WaitUntilFree MACRO
  StrCpy $2 0
  ${Do}
    StrCpy $0 ""
    !insertmacro ${MACRO} FindInUse
    ${If} $0 == ""
    ${OrIf} $2 = ${TRIES}
      ${Break}
    ${EndIf}
    IntOp $2 $2 + 1
    Sleep ${TRY_MS}
  ${Loop}
!macroend

!macro FailInUse
  !insertmacro Fail ${STATUS_IN_USE} "$0 is still running, or another program has it open. End it (a command line by Ctrl-C; SoftLAN in other users' sessions too), then run this again. Nothing was changed."
!macroend

Function EndPrograms
  !insertmacro Run '"$INSTDIR\new\softlan-svc.exe" --close-windows'
  ${If} $0 != 0
    !insertmacro Fail ${STATUS_IN_USE} "Nothing was changed: $1"
  ${EndIf}
  !insertmacro Run '"$INSTDIR\new\softlan-svc.exe" --stop'
  ${If} $0 != 0
    !insertmacro Fail ${STATUS_FAILED} "Nothing was changed: $1"
  ${EndIf}
  !insertmacro WaitUntilFree ForEachProgram
  ${If} $0 != ""
    Push $0
    !insertmacro Run '"$INSTDIR\softlan-svc.exe" --install' ; there was something in use, so it is an upgrade
    Pop $0
    !insertmacro FailInUse
  ${EndIf}
FunctionEnd

!macro OnlyPlayersPrograms ACTION
  !insertmacro ${ACTION} "softlan.exe"
  !insertmacro ${ACTION} "lanparty-client-win.exe"
!macroend

Function un.EndPrograms
  !insertmacro Run '"$INSTDIR\softlan-svc.exe" --close-windows'
  ${If} $0 != 0
    !insertmacro Fail ${STATUS_IN_USE} "Nothing was removed: $1"
  ${EndIf}
  !insertmacro WaitUntilFree OnlyPlayersPrograms
  ${If} $0 != ""
    !insertmacro FailInUse
  ${EndIf}
FunctionEnd

; ---- the exchange ----

; $3: 1 when something could not be renamed; nothing is renamed after that.
!macro ExchangeFile NAME
  ${If} $3 = 0
    ClearErrors
    ${If} ${FileExists} "$INSTDIR\${NAME}"
      Rename "$INSTDIR\${NAME}" "$INSTDIR\old\${NAME}"
    ${EndIf}
    ${IfNot} ${Errors}
      Rename "$INSTDIR\new\${NAME}" "$INSTDIR\${NAME}"
      ${If} ${Errors}
        StrCpy $3 1
      ${EndIf}
    ${Else}
      StrCpy $3 1
    ${EndIf}
  ${EndIf}
!macroend

; What is in "new" still was not exchanged.
!macro PutBackFile NAME
  ${If} ${FileExists} "$INSTDIR\old\${NAME}"
    Delete "$INSTDIR\${NAME}"
    Rename "$INSTDIR\old\${NAME}" "$INSTDIR\${NAME}"
  ${ElseIfNot} ${FileExists} "$INSTDIR\new\${NAME}"
    Delete "$INSTDIR\${NAME}"
  ${EndIf}
!macroend

Function ExchangeFiles
  RMDir /r "$INSTDIR\old"
  CreateDirectory "$INSTDIR\old"
  StrCpy $3 0
  !insertmacro ForEachFile ExchangeFile
  ${If} $3 = 1
    Call PutBack
    !insertmacro Fail ${STATUS_FAILED} "The files in $INSTDIR cannot be replaced. What was there before is back."
  ${EndIf}
FunctionEnd

Function StartService
  !insertmacro Run '"$INSTDIR\softlan-svc.exe" --install'
  ${If} $0 != 0
    Push $1
    Call PutBack
    Pop $1
    !insertmacro Fail ${STATUS_FAILED} "SoftLAN was not installed, what was there before is back: $1"
  ${EndIf}
FunctionEnd

; The state from before, with the service that was there before.
Function PutBack
  ${If} $upgrade = 0
    !insertmacro Run '"$INSTDIR\softlan-svc.exe" --remove'
    !insertmacro Run '"$INSTDIR\softlan-svc.exe" --clean'
  ${Else}
    !insertmacro Run '"$INSTDIR\softlan-svc.exe" --stop'
  ${EndIf}
  !insertmacro WaitUntilFree ForEachProgram
  !insertmacro ForEachFile PutBackFile
  RMDir "$INSTDIR\old"
  ${If} $upgrade = 1
    !insertmacro Run '"$INSTDIR\softlan-svc.exe" --install'
  ${EndIf}
FunctionEnd

; ---- removing ----

!macro DeleteFile NAME
  Delete "$INSTDIR\${NAME}"
!macroend

Function un.DeleteFiles
  !insertmacro WaitUntilFree ForEachProgram
  RMDir /r "$INSTDIR\old"
  RMDir /r "$INSTDIR\new"
  !insertmacro ForEachFile DeleteFile
  SetOutPath "$TEMP"
  RMDir "$INSTDIR"
FunctionEnd

; Of the user who runs this. By name, and no folder with all that is in it: it is the user's, and might lead elsewhere.
Function un.DeleteOwnFiles
  SetShellVarContext current
  Delete "$LOCALAPPDATA\SoftLAN\window.txt*"
  Delete "$LOCALAPPDATA\SoftLAN\lanparty-client-identity.json*"
  RMDir "$LOCALAPPDATA\SoftLAN"
  SetShellVarContext all
FunctionEnd
